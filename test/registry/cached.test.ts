import { describe, expect, test } from '@jest/globals';
import {
  CachedTrustRegistry,
  type CachedTrustRegistryOptions,
  type Did,
  MemoryTrustRegistry,
  type RegistryEntry,
} from '@private.me/xlink';
import type { FeedState } from '@private.me/xlink/server';
import { encodeDidKey } from '../../src/identity/did.js';
import { identityOf } from '../support/agents.js';
import { frozenClock } from '../support/clock.js';
import { errorOf, idOf, thrownBy, unwrap } from '../support/results.js';
import { describeRegistry } from './conformance.js';

const [alice, bob, carol] = await Promise.all(
  ['alice', 'bob', 'carol'].map(async (name) => (await identityOf(name, 1)).did),
);

/** A registry that counts how often it is asked, and answers when it is told to. */
class Asked extends MemoryTrustRegistry {
  readonly dids: Did[] = [];
  /** What a lookup waits for after it has read its answer. */
  holding: Promise<unknown> | undefined;
  broken = false;

  override lookup(did: Did): RegistryEntry | undefined {
    this.dids.push(did);
    if (this.broken) throw new Error('down');
    const entry = super.lookup(did);
    return (this.holding ? this.holding.then(() => entry) : entry) as RegistryEntry | undefined;
  }
}

function setUp(options: Partial<CachedTrustRegistryOptions> = {}) {
  const registry = new Asked();
  const clock = frozenClock();
  const cached = new CachedTrustRegistry({ registry, clock, ...options });
  const statusOf = async (did: Did) => (await cached.lookup(did))?.status ?? 'unknown';
  return { registry, clock, cached, statusOf };
}

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describeRegistry('CachedTrustRegistry', async () => {
  const registry = new CachedTrustRegistry({ registry: new MemoryTrustRegistry() });
  return { registry, close: () => registry.close() };
});

describe('what is remembered', () => {
  test('an entry for 30 s, unless told otherwise, revoked or not', async () => {
    const { registry, clock, cached, statusOf } = setUp();
    unwrap(await cached.add(alice!));
    unwrap(await cached.add(bob!));
    unwrap(await cached.revoke(bob!));
    for (let i = 0; i < 3; i++)
      expect([await statusOf(alice!), await statusOf(bob!)]).toEqual(['active', 'revoked']);
    clock.advance(29_999);
    await statusOf(alice!);
    expect(registry.dids).toEqual([alice, bob]);
    clock.advance(1);
    await statusOf(alice!);
    expect(registry.dids).toEqual([alice, bob, alice]);
  });

  test('a hit needs no promise', async () => {
    const { cached } = setUp();
    unwrap(await cached.add(alice!));
    await cached.lookup(alice!);
    expect(cached.lookup(alice!)).toEqual({ did: alice, status: 'active', revision: 1 });
  });

  test('that a DID is unknown for 1 s', async () => {
    const { registry, clock, statusOf } = setUp();
    for (let i = 0; i < 3; i++) expect(await statusOf(alice!)).toBe('unknown');
    clock.advance(999);
    await statusOf(alice!);
    expect(registry.dids).toHaveLength(1);
    clock.advance(1);
    await statusOf(alice!);
    expect(registry.dids).toHaveLength(2);
  });

  test('its age counts from the question, not from the answer', async () => {
    const { registry, clock, cached, statusOf } = setUp({ ttlMs: 100 });
    unwrap(await cached.add(alice!));
    const { opened, open } = gate();
    registry.holding = opened;
    const asked = statusOf(alice!);
    clock.advance(60);
    open();
    await asked;
    registry.holding = undefined;
    clock.advance(40);
    await statusOf(alice!);
    expect(registry.dids).toHaveLength(2);
  });

  test('a failure never', async () => {
    const { registry, statusOf, cached } = setUp();
    registry.broken = true;
    for (let i = 0; i < 2; i++) await expect(statusOf(alice!)).rejects.toThrow('down');
    registry.broken = false;
    unwrap(await registry.add(alice!));
    expect(await statusOf(alice!)).toBe('active');
    expect(cached.size).toBe(1);
  });

  test('an entry outlives a failing registry until it expires, and then nothing is accepted', async () => {
    const { registry, clock, cached, statusOf } = setUp();
    unwrap(await cached.add(alice!));
    await statusOf(alice!);
    registry.broken = true;
    expect(await statusOf(alice!)).toBe('active');
    clock.advance(30_000);
    await expect(statusOf(alice!)).rejects.toThrow('down');
  });

  test('no more than maxEntries, the one used longest ago makes room', async () => {
    const { registry, cached, statusOf } = setUp({ maxEntries: 2 });
    for (const did of [alice!, bob!, carol!]) unwrap(await registry.add(did));
    for (const did of [alice!, bob!, alice!, carol!]) await statusOf(did);
    expect(cached.size).toBe(2);
    registry.dids.length = 0;
    for (const did of [alice!, carol!, bob!]) await statusOf(did);
    expect(registry.dids).toEqual([bob]);
  });

  test('unknown DIDs drive out no known one, and are bounded themselves', async () => {
    const { registry, cached, statusOf } = setUp({ maxEntries: 3 });
    unwrap(await registry.add(alice!));
    await statusOf(alice!);
    for (let i = 0; i < 50; i++) await statusOf(encodeDidKey(new Uint8Array(32).fill(i)));
    registry.dids.length = 0;
    expect(await statusOf(alice!)).toBe('active');
    expect(registry.dids).toEqual([]);
    expect(cached.size).toBe(4);
  });

  test('[E11] what is no DID is asked for each time, and not kept', async () => {
    const { registry, cached, statusOf } = setUp();
    for (const text of ['did:key:other', 'x'.repeat(100_000)]) {
      expect([await statusOf(text), await statusOf(text)]).toEqual(['unknown', 'unknown']);
    }
    expect([registry.dids.length, cached.size]).toEqual([4, 0]);
  });

  test('a copy, if the registry hands out objects that can be changed', async () => {
    const entry = { did: alice!, status: 'active' as 'active' | 'revoked', sendScopes: ['a'] };
    const registry = Object.assign(new Asked(), { lookup: () => entry });
    const cached = new CachedTrustRegistry({ registry });
    await cached.lookup(alice!);
    entry.sendScopes.push('admin');
    expect(await cached.lookup(alice!)).toEqual({ did: alice, status: 'active', sendScopes: ['a'] });
  });

  test('never the entry of another DID', async () => {
    const registry = Object.assign(new Asked(), { lookup: () => ({ did: bob!, status: 'active' as const }) });
    const cached = new CachedTrustRegistry({ registry });
    const error = await thrownBy(() => cached.lookup(alice!));
    expect([error.id, error.field, cached.size]).toEqual(['LOOKUP_FAILED', 'did', 0]);
  });
});

describe('[E18] while changes are not heard of', () => {
  function deaf(options: Partial<CachedTrustRegistryOptions> = {}) {
    const parts = setUp(options);
    const feed: { changeFeed: FeedState | undefined } = Object.assign(parts.registry, {
      changeFeed: 'down' as const,
    });
    return { ...parts, feed };
  }

  test('an entry is asked for again after a second', async () => {
    const { registry, clock, statusOf } = deaf();
    unwrap(await registry.add(alice!));
    for (const ms of [0, 999]) {
      clock.advance(ms);
      await statusOf(alice!);
    }
    expect(registry.dids).toHaveLength(1);
    clock.advance(1);
    await statusOf(alice!);
    expect(registry.dids).toHaveLength(2);
  });

  test('the second begins when the feed was last seen to be live, and ends when it is again', async () => {
    const { registry, feed, clock, statusOf } = deaf();
    unwrap(await registry.add(alice!));
    feed.changeFeed = 'live';
    await statusOf(alice!);
    clock.advance(20_000);
    await statusOf(alice!);
    feed.changeFeed = 'down';
    clock.advance(999);
    await statusOf(alice!);
    expect(registry.dids).toHaveLength(1);
    clock.advance(1);
    feed.changeFeed = 'live'; // late, and nothing was missed
    await statusOf(alice!);
    expect(registry.dids).toHaveLength(1);
    feed.changeFeed = 'down';
    clock.advance(1000);
    await statusOf(alice!);
    expect(registry.dids).toHaveLength(2);
  });

  test('a registry that does not answer either is asked once a second, and the entry goes on until it expires', async () => {
    const { registry, clock, statusOf } = deaf({ ttlMs: 5000 });
    unwrap(await registry.add(alice!));
    await statusOf(alice!);
    registry.broken = true;
    for (let ms = 0; ms < 4500; ms += 500) {
      clock.advance(500);
      expect(await statusOf(alice!)).toBe('active');
    }
    expect(registry.dids).toHaveLength(5);
    clock.advance(500);
    await expect(statusOf(alice!)).rejects.toThrow('down');
  });

  test('an entry that was forgotten meanwhile does not go on', async () => {
    const { registry, clock, statusOf } = deaf();
    unwrap(await registry.add(alice!));
    await statusOf(alice!);
    clock.advance(1000);
    const { opened, open } = gate();
    registry.holding = opened.then(() => {
      throw new Error('down');
    });
    const asked = statusOf(alice!);
    unwrap(await registry.revoke(alice!));
    open();
    await expect(asked).rejects.toThrow('down');
  });

  test('lookups of one DID are one question, and a shorter ttlMs counts', async () => {
    const { registry, clock, statusOf } = deaf({ ttlMs: 300 });
    unwrap(await registry.add(alice!));
    await statusOf(alice!);
    clock.advance(299);
    await statusOf(alice!);
    clock.advance(1);
    await Promise.all([statusOf(alice!), statusOf(alice!)]);
    expect(registry.dids).toHaveLength(2);
    clock.advance(1000);
    await Promise.all([statusOf(alice!), statusOf(alice!)]);
    expect(registry.dids).toHaveLength(3);
  });
});

describe('lookups at the same time', () => {
  test('of one DID are one question', async () => {
    const { registry, cached, statusOf } = setUp();
    unwrap(await cached.add(alice!));
    const { opened, open } = gate();
    registry.holding = opened;
    const answers = Promise.all(Array.from({ length: 20 }, () => statusOf(alice!)));
    open();
    expect(new Set(await answers)).toEqual(new Set(['active']));
    expect(registry.dids).toEqual([alice]);
  });

  test('that fail, fail together, and the next one asks again', async () => {
    const { registry, statusOf } = setUp();
    const { opened, open } = gate();
    registry.holding = opened.then(() => {
      throw new Error('down');
    });
    const answers = Promise.allSettled([statusOf(alice!), statusOf(alice!)]);
    open();
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    registry.holding = undefined;
    expect(await statusOf(alice!)).toBe('unknown');
    expect(registry.dids).toHaveLength(2);
  });
});

describe('what is forgotten', () => {
  test('what was changed through the cache, at once', async () => {
    const { cached, statusOf } = setUp();
    expect(await statusOf(alice!)).toBe('unknown');
    unwrap(await cached.register({ did: alice! }));
    expect(await statusOf(alice!)).toBe('active');
    unwrap(await cached.revoke(alice!));
    expect(await statusOf(alice!)).toBe('revoked');
    unwrap(await cached.add(alice!));
    unwrap(await cached.updateScopes(alice!, { scopes: ['a'] }));
    expect(await cached.lookup(alice!)).toMatchObject({ status: 'active', sendScopes: ['a'] });
  });

  test('also if the registry tells of no changes, and if the change failed: it may have happened', async () => {
    const inner = new Asked();
    const registry = Object.assign(inner, { onChange: undefined as never });
    const cached = new CachedTrustRegistry({ registry });
    const heard: unknown[] = [];
    cached.onChange((did) => heard.push(did));
    unwrap(await cached.add(alice!));
    await cached.lookup(alice!);
    const revoke = inner.revoke.bind(inner);
    inner.revoke = async (did) => {
      await revoke(did);
      throw new Error('the answer was lost');
    };
    await expect(cached.revoke(alice!)).rejects.toThrow('lost');
    expect((await cached.lookup(alice!))?.status).toBe('revoked');
    expect(heard).toEqual([alice, alice]);
  });

  test('what the registry tells of, and nothing else; everything, if it says so', async () => {
    const { registry, cached, statusOf } = setUp();
    for (const did of [alice!, bob!]) unwrap(await registry.add(did));
    for (const did of [alice!, bob!]) await statusOf(did);
    unwrap(await registry.revoke(alice!));
    registry.dids.length = 0;
    expect([await statusOf(alice!), await statusOf(bob!)]).toEqual(['revoked', 'active']);
    expect(registry.dids).toEqual([alice]);
    (registry as unknown as { announce(did: undefined): void }).announce(undefined);
    expect(cached.size).toBe(0);
  });

  test('before the listeners of the cache are told', async () => {
    const { registry, cached, statusOf } = setUp();
    unwrap(await registry.add(alice!));
    await statusOf(alice!);
    const seen: Promise<string>[] = [];
    cached.onChange((did) => did && seen.push(statusOf(did)));
    unwrap(await registry.revoke(alice!));
    expect(await Promise.all(seen)).toEqual(['revoked']);
  });

  for (const [kind, tell] of [
    ['of the DID', (registry: Asked) => registry.revoke(alice!)],
    ['of anything', (registry: Asked) => (registry as never as { announce(): void }).announce()],
  ] as const)
    test(`an answer that was on its way when a change ${kind} was told: it is handed out, not kept`, async () => {
      const { registry, cached, statusOf } = setUp();
      unwrap(await registry.add(alice!));
      const { opened, open } = gate();
      registry.holding = opened;
      const early = statusOf(alice!);
      await tell(registry);
      registry.holding = undefined;
      const late = await statusOf(alice!); // does not join the question from before
      open();
      expect(await early).toBe('active');
      expect(late).toBe(kind === 'of the DID' ? 'revoked' : 'active');
      registry.dids.length = 0;
      expect(await statusOf(alice!)).toBe(late);
      expect(registry.dids).toEqual([]);
      expect(cached.size).toBe(1);
    });

  test('everything when it is closed; the registry is closed too', async () => {
    const { registry, cached, statusOf } = setUp();
    let closed = 0;
    Object.assign(registry, { close: () => closed++ });
    unwrap(await cached.add(alice!));
    await statusOf(alice!);
    await cached.close();
    expect([closed, cached.size]).toEqual([1, 0]);
    unwrap(await registry.revoke(alice!));
    expect(await statusOf(alice!)).toBe('revoked');
    expect(cached.size).toBe(0);
  });
});

test.each([
  [{}, 'registry'],
  [{ registry: { lookup() {} } }, 'registry'],
  [{ registry: new MemoryTrustRegistry(), ttlMs: -1 }, 'ttlMs'],
  [{ registry: new MemoryTrustRegistry(), ttl: 1 }, 'ttl'],
])('options are checked: %j', async (options, field) => {
  const error = await thrownBy(() => new CachedTrustRegistry(options as never));
  expect([error.id, error.field]).toEqual(['INVALID_OPTION', field]);
});

test('a registration in the wrong form is a failure, not a throw', async () => {
  const { cached } = setUp();
  expect(errorOf(await cached.register(alice!, new Uint8Array(32))).code).toBe('INVALID_DID');
  expect(idOf(await cached.register(undefined as never))).toBe('INVALID_DID');
});
