import { describe, expect, test } from '@jest/globals';
import { MemoryNonceStore, type MemoryNonceStoreOptions } from '@private.me/xlink';
import { nonceKey } from '@private.me/xlink/server';
import { type FrozenClock, frozenClock, NOON } from '../support/clock.js';
import { thrownBy } from '../support/results.js';

const TTL_MS = 61_000;
const use = (nonce: number | string, sender = 'did:key:alice', timestamp = NOON) => ({
  recipient: 'did:key:bob',
  sender,
  nonce: String(nonce),
  timestamp,
});

function storeOf(options: Omit<MemoryNonceStoreOptions, 'clock'> = {}) {
  const clock = frozenClock();
  return { clock, store: new MemoryNonceStore({ coldStart: 'accept', ...options, clock }) };
}

const COUNTED: readonly (readonly [prototype: object, methods: readonly string[]])[] = [
  [Set.prototype, ['has', 'add', 'delete', 'forEach', 'values']],
  [Map.prototype, ['has', 'get', 'set', 'delete', 'forEach', 'values', 'entries']],
];

/** The steps that one call takes in sets and maps; going through one of them counts as many as it has entries. */
function stepsOf(call: () => unknown): number {
  let steps = 0;
  const restore: (() => void)[] = [];
  for (const [prototype, methods] of COUNTED) {
    for (const name of methods) {
      const real = Reflect.get(prototype, name) as (...args: unknown[]) => unknown;
      const goesThrough = /forEach|values|entries/.test(name);
      Reflect.set(prototype, name, function (this: { size: number }, ...args: unknown[]) {
        steps += goesThrough ? this.size : 1;
        return real.apply(this, args);
      });
      restore.push(() => Reflect.set(prototype, name, real));
    }
  }
  try {
    call();
    return steps;
  } finally {
    for (const undo of restore) undo();
  }
}

describe('a claim', () => {
  test('succeeds once per recipient, sender and nonce', () => {
    const { store } = storeOf();
    expect(store.seen(use(1))).toBe(false);
    expect(store.claim(use(1), TTL_MS)).toBe(true);
    expect(store.seen(use(1))).toBe(true);
    expect(store.claim(use(1), TTL_MS)).toBe(false);
    expect(store.claim(use(2), TTL_MS)).toBe(true);
    expect(store.claim(use(1, 'did:key:carol'), TTL_MS)).toBe(true);
    expect(store.claim({ ...use(1), recipient: 'did:key:dave' }, TTL_MS)).toBe(true);
    expect(store.size).toBe(4);
  });

  test('depends on the nonce, not on the timestamp beside it', () => {
    const { store } = storeOf();
    expect(store.claim(use(1), TTL_MS)).toBe(true);
    expect(store.claim(use(1, 'did:key:alice', NOON + 5), TTL_MS)).toBe(false);
  });

  test('is atomic: of 100 at once exactly one gets it', async () => {
    const { store } = storeOf();
    const claims = await Promise.all(
      Array.from({ length: 100 }, async () => store.claim(use('same'), TTL_MS)),
    );
    expect(claims.filter(Boolean)).toHaveLength(1);
  });

  test('is not made by looking', () => {
    const { store } = storeOf();
    for (let i = 0; i < 100; i++) expect(store.seen(use(i))).toBe(false);
    expect(store.size).toBe(0);
  });
});

test('the key joins recipient, sender and nonce so that no two uses share one', () => {
  const parts = ['a', 'b', 'ab'];
  const keys = parts.flatMap((recipient) =>
    parts.flatMap((sender) => parts.map((nonce) => nonceKey({ recipient, sender, nonce, timestamp: 0 }))),
  );
  expect(new Set(keys).size).toBe(27);
});

describe('a nonce', () => {
  test('is remembered for its whole time to live, whenever in a generation it came', () => {
    const { store, clock } = storeOf();
    const claimedAt: number[] = [];
    for (let i = 0; i < 500; i++) {
      store.claim(use(i), TTL_MS);
      claimedAt.push(clock());
      clock.advance(331);
      const due = claimedAt.findIndex((at) => at >= clock() - TTL_MS);
      expect(store.seen(use(due))).toBe(true);
    }
  });

  test('is forgotten a quarter of its time to live later at the latest', () => {
    const { store, clock } = storeOf();
    for (let i = 0; i < 500; i++) {
      store.claim(use(i), TTL_MS);
      clock.advance(331);
      const forgotten = Math.floor((clock() - NOON - TTL_MS * 1.25) / 331) - 1;
      if (forgotten >= 0) expect(store.seen(use(forgotten))).toBe(false);
    }
    clock.advance(TTL_MS * 1.25 + 1);
    expect(store.size).toBe(0);
  });

  test('may be claimed again once it is forgotten', () => {
    const { store, clock } = storeOf();
    store.claim(use(1), TTL_MS);
    clock.advance(TTL_MS);
    expect(store.claim(use(1), TTL_MS)).toBe(false);
    clock.advance(1);
    expect(store.claim(use(1), TTL_MS)).toBe(true);
  });

  test('outlives one with a shorter time to live that came after it', () => {
    const { store, clock } = storeOf();
    store.claim(use('long'), 10_000);
    store.claim(use('short'), 1000);
    clock.advance(10_000);
    expect(store.seen(use('long'))).toBe(true);
  });

  test('keeps its full life when one with a longer time to live joins it, and so does that one', () => {
    const { store, clock } = storeOf();
    store.claim(use('short'), 4000);
    clock.advance(500);
    store.claim(use('long'), 10_000);
    clock.advance(9999);
    expect(store.seen(use('long'))).toBe(true);
  });

  test('is not lost when the clock steps back', () => {
    const { store, clock } = storeOf();
    store.claim(use(1), TTL_MS);
    clock.advance(-3_600_000);
    expect(store.seen(use(1))).toBe(true);
    store.claim(use(2), TTL_MS);
    clock.advance(TTL_MS);
    expect(store.seen(use(2))).toBe(true);
  });
});

describe('the size', () => {
  test('is bounded, and a full store fails closed until something expires', async () => {
    const { store, clock } = storeOf({ maxEntries: 3, maxEntriesPerSender: 3 });
    for (let i = 0; i < 3; i++) store.claim(use(i, `sender-${i}`), TTL_MS);
    expect(await idThrown(() => store.claim(use(3, 'sender-3'), TTL_MS))).toBe(
      'NONCE_STORE_UNAVAILABLE:FULL',
    );
    expect(store.size).toBe(3);
    expect(store.claim(use(0, 'sender-0'), TTL_MS)).toBe(false);
    clock.advance(TTL_MS + 1);
    expect(store.claim(use(3, 'sender-3'), TTL_MS)).toBe(true);
    expect(store.size).toBe(1);
  });

  test('has a share for each sender, a tenth unless chosen otherwise', async () => {
    const { store } = storeOf({ maxEntries: 30 });
    for (let i = 0; i < 3; i++) expect(store.claim(use(i), TTL_MS)).toBe(true);
    expect(await idThrown(() => store.claim(use(3), TTL_MS))).toBe('NONCE_STORE_UNAVAILABLE:SENDER_QUOTA');
    expect(store.claim(use(3, 'did:key:carol'), TTL_MS)).toBe(true);
  });

  test('gives a sender its share back as its nonces expire', async () => {
    const { store, clock } = storeOf({ maxEntries: 100, maxEntriesPerSender: 4 });
    for (let i = 0; i < 4; i++) {
      store.claim(use(i), TTL_MS);
      clock.advance(TTL_MS / 4);
    }
    expect(await idThrown(() => store.claim(use(9), TTL_MS))).toBe('NONCE_STORE_UNAVAILABLE:SENDER_QUOTA');
    clock.advance(1);
    expect(store.claim(use(9), TTL_MS)).toBe(true);
    expect(await idThrown(() => store.claim(use(10), TTL_MS))).toBe('NONCE_STORE_UNAVAILABLE:SENDER_QUOTA');
  });

  test('counts a sender over all recipients', async () => {
    const { store } = storeOf({ maxEntries: 100, maxEntriesPerSender: 2 });
    for (const recipient of ['a', 'b']) store.claim({ ...use(1), recipient }, TTL_MS);
    expect(await idThrown(() => store.claim({ ...use(1), recipient: 'c' }, TTL_MS))).toBe(
      'NONCE_STORE_UNAVAILABLE:SENDER_QUOTA',
    );
  });
});

const idThrown = async (call: () => unknown) => (await thrownBy(call)).id;

describe('after a start', () => {
  const started = (coldStart?: 'refuse' | 'accept') => {
    const clock: FrozenClock = frozenClock();
    return new MemoryNonceStore({ clock, ...(coldStart ? { coldStart } : {}) });
  };

  test('what was made before it is refused, looked at or claimed', async () => {
    const store = started();
    const early = use(1, 'did:key:alice', NOON - 1);
    expect(await idThrown(() => store.seen(early))).toBe('NONCE_STORE_UNAVAILABLE:COLD_START');
    expect(await idThrown(() => store.claim(early, TTL_MS))).toBe('NONCE_STORE_UNAVAILABLE:COLD_START');
    expect(store.size).toBe(0);
  });

  test('what was made at that moment or later is taken', () => {
    const store = started('refuse');
    expect(store.claim(use(1, 'did:key:alice', NOON), TTL_MS)).toBe(true);
    expect(store.claim(use(2, 'did:key:alice', NOON + 1), TTL_MS)).toBe(true);
  });

  test('what was made before it is taken if the risk was accepted', () => {
    const store = started('accept');
    expect(store.claim(use(1, 'did:key:alice', NOON - 30_000), TTL_MS)).toBe(true);
    expect(store.claim(use(1, 'did:key:alice', NOON - 30_000), TTL_MS)).toBe(false);
  });
});

describe('the cost of a claim', () => {
  const filled = (count: number) => {
    const { store, clock } = storeOf({ maxEntriesPerSender: 2 ** 20 });
    for (let i = 0; i < count; i++) store.claim(use(i), TTL_MS);
    return { store, clock };
  };

  test('does not grow with the number of nonces held', () => {
    const steps = [10, 1000, 20_000].map((count) => {
      const { store } = filled(count);
      return stepsOf(() => expect(store.claim(use('next'), TTL_MS)).toBe(true));
    });
    expect(steps[0]).toBeGreaterThan(0);
    expect(new Set(steps).size).toBe(1);
  });

  test('does not grow with the number of nonces that expire at it', () => {
    const steps = [10, 20_000].map((count) => {
      const { store, clock } = filled(count);
      clock.advance(TTL_MS + 1);
      const taken = stepsOf(() => store.claim(use('next'), TTL_MS));
      expect(store.size).toBe(1);
      return taken;
    });
    expect(steps[1]).toBe(steps[0]);
  });

  test('stays below a few dozen steps in a steady stream', () => {
    const { store, clock } = storeOf({ maxEntriesPerSender: 2 ** 20 });
    const steps = Array.from({ length: 3000 }, (_, i) => {
      clock.advance(50);
      return stepsOf(() => store.claim(use(i), TTL_MS));
    });
    expect(store.size).toBeGreaterThan(1000);
    expect(Math.max(...steps)).toBeLessThan(30);
  });
});

describe('options', () => {
  test.each([
    [{ maxEntries: 0 }, 'maxEntries'],
    [{ maxEntries: 2 ** 24 + 1 }, 'maxEntries'],
    [{ maxEntries: 1.5 }, 'maxEntries'],
    [{ maxEntriesPerSender: -1 }, 'maxEntriesPerSender'],
    [{ coldStart: 'maybe' }, 'coldStart'],
    [{ clock: 5 }, 'clock'],
    [{ maxEntrys: 5 }, 'maxEntrys'],
  ])('%j is refused', async (options, field) => {
    expect(await thrownBy(() => new MemoryNonceStore(options as never))).toMatchObject({
      id: 'INVALID_OPTION',
      field,
    });
  });
});
