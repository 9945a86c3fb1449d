import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  Agent,
  describeWarning,
  type KeyStore,
  MemoryKeyStore,
  MemoryTrustRegistry,
  type XlinkEvent,
  type XlinkWarning,
} from '@private.me/xlink';
import { createKeyRecord } from '../../src/identity/key-record.js';
import { JSON_HEADERS, postJson } from '../client/support.js';
import { FaultyKeyStore, isDown } from '../identity/epoch-rings.js';
import { KEY_BACKENDS } from '../stores/key-store-backends.js';
import { identityOf, seedOf } from '../support/agents.js';
import { DAY, type FrozenClock, frozenClock, HOUR, MINUTE, NOON, SECOND } from '../support/clock.js';
import { errorOf, unwrap } from '../support/results.js';
import { until } from '../support/until.js';
import { cluster, importedApi, type Shared } from './key-epochs-api.js';

const SPEED = 60;
const LIVE = ['MemoryKeyStore', 'RedisKeyStore, ioredis', 'PostgresKeyStore, wrapping keys in a file'];
/** In ms of this world. */
const LIVE_MS = 8000;
/** What each instance has seen at least. */
const ROTATIONS = 6;
const LIFE_MS = 8 * DAY + MINUTE + 5 * MINUTE;

const epochsIn = (events: readonly XlinkEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'key-epoch' ? [event.keyEpoch] : []));

/** A minute of the clock is a second of this world. */
function fastClock(): () => number {
  const began = performance.now();
  return () => NOON + Math.floor((performance.now() - began) * SPEED);
}

for (const backend of KEY_BACKENDS.filter(({ name }) => LIVE.includes(name))) {
  backend.describe(`two instances over ${backend.name}`, () => {
    let started: Awaited<ReturnType<typeof backend.start>>;
    beforeAll(async () => {
      started = await backend.start();
    }, 60_000);
    afterAll(() => started?.stop());

    test('rotate every second under traffic, by schedule and on demand, and no write fails', async () => {
      const clock = fastClock();
      const shared: Shared = { clock, registry: new MemoryTrustRegistry() };
      const place = await started.place();
      const times = { keyRotationMs: MINUTE, keyOverlapMs: HOUR, timestampWindowMs: HOUR };
      const warnings: string[] = [];
      const onWarning = (warning: XlinkWarning) => void warnings.push(describeWarning(warning));
      const api = await cluster(shared, [await place.store(), await place.store()], { ...times, onWarning });
      const failures: string[] = [];
      let sent = 0;
      const end = performance.now() + LIVE_MS;
      const goesOn = () =>
        performance.now() < end || api.instances.some(({ events }) => epochsIn(events).length < ROTATIONS);
      const caller = async (_: unknown, at: number) => {
        const call = await api.client(`caller ${at}`);
        while (goesOn()) {
          sent += 1;
          try {
            const answer = await call(`/orders/${sent}`, postJson({ item: sent }));
            if (answer.status !== 201) failures.push(`${answer.status} ${await answer.text()}`);
          } catch (error) {
            failures.push(`${error} ${(error as { cause?: unknown }).cause}`);
          }
        }
      };
      const operator = async () => {
        for (let at = 0; goesOn(); at++) {
          await new Promise((resolve) => setTimeout(resolve, 700));
          await api.instances[at % 2]!.agent.rotateKeys();
        }
      };
      await Promise.all([...Array.from({ length: 4 }, caller), operator()]);
      expect([failures, warnings]).toEqual([[], []]);
      expect(api.handled()).toBe(sent);
      const entry = await shared.registry.lookup((await identityOf('api')).did);
      expect(entry).toBeUndefined(); // it was never registered, and is not by a rotation
      const [seen] = api.instances.map(({ events }) => epochsIn(events).length);
      process.stdout.write(
        `${backend.name}: ${sent} writes over ${seen} epochs, ${api.discovered()} discoveries\n`,
      );
    }, 60_000);
  });
}

describe('one API', () => {
  let clock: FrozenClock;
  let shared: Shared;
  let memory: MemoryKeyStore;
  beforeEach(() => {
    clock = frozenClock();
    shared = { clock, registry: new MemoryTrustRegistry() };
    memory = new MemoryKeyStore();
  });
  const order = postJson({ item: 'tea' });

  test('a request to keys that were replaced is taken, on every instance, without another discovery', async () => {
    const api = await cluster(shared, [memory, memory]);
    const call = await api.client('caller');
    expect((await call('/orders', order)).status).toBe(201);
    await api.instances[0]!.agent.rotateKeys();
    for (let at = 0; at < 4; at++) expect((await call('/orders', order)).status).toBe(201);
    expect(api.discovered()).toBe(1);
    clock.advance(3 * MINUTE); // then the client discovers the new ones
    expect((await call('/orders', order)).status).toBe(201);
    expect(api.discovered()).toBe(2);
  });

  test('after the erasure it is refused before its nonce is claimed, and the client seals it anew, once', async () => {
    const api = await cluster(shared, [memory, memory]);
    const { agent } = api.instances[0]!;
    const first = await agent.keyRecord();
    await agent.rotateKeys();
    clock.advance(LIFE_MS + 1);

    // A service that says more of its keys than it holds: an honest record would have expired before.
    const stale = await createKeyRecord(await identityOf('api'), {
      epoch: first.epoch,
      encryption: await someKeys(1, clock() + DAY),
    });
    expect(stale.keyEpoch).toBe(1);
    let withheld = 0;
    const call = await api.client('caller', {
      async intercept(url) {
        if (url.pathname !== '/.well-known/xlink.json' || withheld > 0) return undefined;
        withheld += 1;
        const times = { issuedAt: clock(), notAfter: clock() + MINUTE };
        const document = {
          did: agent.did,
          keyRecord: stale,
          versions: [1, 2] as const,
          mode: 'xlink-only' as const,
        };
        const more = { acceptsEnvelopes: true, hosts: ['127.0.0.1:1'], endpoints: {}, publicPaths: [] };
        return Response.json(await agent.signDiscovery({ ...document, ...more, ...times }));
      },
    });
    expect((await call('/orders', order)).status).toBe(201);
    const seen = api.instances.flatMap((instance) => instance.seen.filter(({ path }) => path === '/orders'));
    expect(seen).toHaveLength(2);
    const reasons = api.instances.flatMap(({ events }) =>
      events.flatMap((event) => (event.type === 'request' ? [event.reason] : [])),
    );
    expect(reasons.sort()).toEqual(['KEY_EPOCH_UNKNOWN', 'ok']);
    const [refused, taken] = seen.map(({ body }) => JSON.parse(body)).sort((a, b) => a.keyEpoch - b.keyEpoch);
    expect([refused.keyEpoch, refused.nonce]).toEqual([1, taken.nonce]);
    expect(taken.keyEpoch).toBeGreaterThan(1);
    expect([withheld, api.handled()]).toEqual([1, 1]);
  });

  test('while the store is away it goes on until its keys are over, then refuses with 503 and Retry-After', async () => {
    const store = new FaultyKeyStore(memory);
    const warnings: string[] = [];
    const onWarning = ({ type }: XlinkWarning) => void warnings.push(type);
    const api = await cluster(shared, [store], { timestampWindowMs: HOUR, onWarning });
    const call = await api.client('caller');
    expect((await call('/orders', order)).status).toBe(201);
    store.all(isDown);
    for (const ms of [MINUTE, 7 * DAY, 8 * DAY]) {
      clock.set(NOON + ms);
      expect((await call('/orders', order)).status).toBe(201);
    }
    clock.set(NOON + 8 * DAY + 2 * HOUR + 10 * MINUTE);
    const answer = await fetch(`${api.instances[0]!.url}/.well-known/xlink.json`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({ code: 'KEY_STORE_UNAVAILABLE' });
    await expect(call('/orders', order)).rejects.toThrow();
    expect(api.handled()).toBe(4);

    // What was sealed when the keys were good comes too late for the instance, too.
    const late = await lateEnvelope(shared);
    const refused = await fetch(`${api.instances[0]!.url}/orders`, {
      method: 'POST',
      headers: { ...JSON_HEADERS, 'Content-Type': 'application/xlink-envelope' },
      body: JSON.stringify(late),
    });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await refused.json()).toMatchObject({ code: 'KEY_STORE_UNAVAILABLE' });

    expect(new Set(warnings)).toEqual(new Set(['key-store-failed']));
    expect(warnings.length).toBeLessThan(20); // not one for each request
    store.all(undefined);
    clock.advance(SECOND);
    expect((await call('/orders', order)).status).toBe(201);
  });

  test('its registry entry follows each rotation, and a registry that is away is caught up with', async () => {
    const { registry } = shared;
    const registered = await Agent.fromSeed({
      seed: seedOf('api'),
      clock,
      registry,
    });
    unwrap(registered);
    const { did } = await identityOf('api');
    const epoch = async () => (await registry.lookup(did))?.keys?.keyEpoch;
    expect(await epoch()).toBe(0);
    let isAway = false;
    const flaky = {
      lookup: (one: typeof did) => registry.lookup(one),
      register: registry.register.bind(registry),
      updateKeys: async (...args: Parameters<typeof registry.updateKeys>) => {
        if (isAway) throw new Error('the registry is away');
        return registry.updateKeys(...args);
      },
    };
    const warnings: string[] = [];
    const options = { registry: flaky, onWarning: ({ type }: { type: string }) => void warnings.push(type) };
    const [a, b] = [await importedApi(shared, memory, options), await importedApi(shared, memory, options)];
    expect(await epoch()).toBe(1);
    await a.rotateKeys();
    await b.rotateKeys();
    expect(await epoch()).toBe(3);
    isAway = true;
    await expect(a.rotateKeys()).rejects.toMatchObject({ code: 'REGISTRATION_FAILED' });
    clock.advance(SECOND);
    expect((await a.keyRecord()).keyEpoch).toBe(4); // discovery goes on
    expect([await epoch(), warnings]).toEqual([3, ['keys-not-published']]);
    isAway = false;
    clock.advance(SECOND);
    await a.keyRecord();
    expect(await epoch()).toBe(4);
    const records = [await a.keyRecord(), await b.keyRecord()];
    expect(records[0]).toEqual(records[1]); // every instance signs the same
  });

  test('with a store that is behind what was published it does not start, and the store is not written to', async () => {
    const { registry } = shared;
    const agent = await importedApi(shared, memory);
    await registry.register({ did: agent.did, keys: await agent.keyRecord() });
    await agent.rotateKeys();
    const empty: KeyStore = new MemoryKeyStore();
    const pkcs8 = (await identityOf('api')).exportPKCS8();
    const started = await Agent.importIdentity({ pkcs8, clock, registry, keyStore: empty });
    expect(errorOf(started)).toMatchObject({ code: 'KEY_STORE_ROLLED_BACK' });
    expect([await empty.load(), await empty.wrappingKeys.ids()]).toEqual([undefined, []]);
  });

  test('without traffic it rotates, publishes and erases by itself, until it is disposed of', async () => {
    const api = await cluster(shared, [memory]);
    const { agent, events } = api.instances[0]!;
    await until(() => agent.keyEpoch?.keyEpoch === 1);
    clock.advance(LIFE_MS + 1);
    await until(() => events.some((event) => event.type === 'key-epoch' && event.keyEpoch === 2), {
      withinMs: 15_000,
    });
    expect(memory.load()!.value.epochs.map(({ keyEpoch }) => keyEpoch)).toEqual([2]);
    const late: XlinkEvent[] = [];
    api.instances[0]!.adapter.observe((event) => late.push(event))();
    const since = NOON + LIFE_MS + 1;
    expect(late).toContainEqual({ type: 'key-epoch', keyEpoch: 2, since, rotatesAt: since + 7 * DAY });
  }, 20_000);
});

/** As an epoch that was erased: whose keys they are plays no part, for nobody can open what is sealed to them. */
async function someKeys(keyEpoch: number, notAfter: number) {
  const { x25519, mlKem768 } = await identityOf('somebody');
  return { keyEpoch, notBefore: 0, notAfter, x25519, mlKem768 };
}

/** A request that is sealed to the first keys, and dated now. */
async function lateEnvelope({ clock, registry }: Shared) {
  const caller = unwrap(await Agent.fromSeed({ seed: seedOf('late'), clock, registry }));
  const encryption = await someKeys(1, clock() + DAY);
  await caller.adoptService(await createKeyRecord(await identityOf('api'), { clock, encryption }));
  const { did: to } = await identityOf('api');
  return caller.createRequest({ to, scope: 'orders', payload: { item: 'late' }, request: 'POST /orders' });
}
