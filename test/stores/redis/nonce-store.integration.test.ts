import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { RedisNonceStore } from '@private.me/xlink';
import type { RedisClient } from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import { createClient, createClientPool } from 'redis';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { idOf, thrownBy } from '../../support/results.js';
import { until } from '../../support/until.js';
import { pair } from '../../support/world.js';
import {
  BUCKETS,
  CLIENTS,
  fakeClient,
  granted,
  keyOf,
  MARKER,
  markerOf,
  newUse,
  someDid,
  storeOn,
  TTL_MS,
  timed,
  trues,
  verified,
} from './nonce-clients.js';

describeWithRedis('nonces in Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    await server.cli('FLUSHALL');
  });

  describe.each(CLIENTS)('through $name', ({ connect }) => {
    const pttl = async (key: string) => Number(await server.cli('PTTL', key));

    test('exactly one of 200 simultaneous claims over five connections wins, for each of ten nonces', async () => {
      const clients = await Promise.all(Array.from({ length: 5 }, () => connect(server.port)));
      const stores = clients.map((client) => storeOn(client));
      const uses = Array.from({ length: 10 }, () => newUse());
      const claims = uses.map((use) =>
        Promise.all(Array.from({ length: 200 }, (_, nth) => stores[nth % 5]!.claim(use, TTL_MS))),
      );
      expect((await Promise.all(claims)).map(trues)).toEqual(uses.map(() => 1));
    });

    test('a nonce is seen once it is claimed, by every instance', async () => {
      const [one, other] = [storeOn(await connect(server.port)), storeOn(await connect(server.port))];
      const use = newUse();
      expect([await one.seen(use), await other.seen(use)]).toEqual([false, false]);
      expect([await one.claim(use, TTL_MS), await other.claim(use, TTL_MS)]).toEqual([true, false]);
      expect([await one.seen(use), await other.seen(use)]).toEqual([true, true]);
    });

    test('asking whether it was seen claims nothing', async () => {
      const store = storeOn(await connect(server.port));
      const use = newUse();
      expect([await store.seen(use), await store.seen(use)]).toEqual([false, false]);
      expect(await server.cli('DBSIZE')).toBe(String(BUCKETS));
    });

    test('recipient, sender and nonce tell uses apart; the time does not', async () => {
      const store = storeOn(await connect(server.port));
      const use = newUse();
      expect(await store.claim(use, TTL_MS)).toBe(true);
      expect(await store.claim({ ...use, timestamp: 1 }, TTL_MS)).toBe(false);
      expect(await store.claim({ ...use, recipient: someDid() }, TTL_MS)).toBe(true);
      expect(await store.claim({ ...use, sender: someDid() }, TTL_MS)).toBe(true);
      expect(await store.claim({ ...use, recipient: use.sender, sender: use.recipient }, TTL_MS)).toBe(true);
      expect(await store.claim({ ...use, nonce: newUse().nonce }, TTL_MS)).toBe(true);
    });

    test('a key is the prefix, the bucket and a hash, and holds nothing but the name of the claim', async () => {
      const use = newUse();
      const client = await connect(server.port);
      await storeOn(client).claim(use, TTL_MS);
      const keys = (await server.cli('KEYS', '*')).split('\n');
      const markers = keys.filter((key) => key.length === markerOf(use).length);
      expect(keys.filter((key) => !markers.includes(key))).toEqual([keyOf(use)]);
      expect(keyOf(use)).toMatch(/^nonce:\{([A-Za-z0-9_-])\}\1[A-Za-z0-9_-]{42}$/);
      expect(await server.cli('GET', keyOf(use))).toMatch(/^[\w-]{16}\.1$/);
      expect(markers).toHaveLength(BUCKETS);
      expect(markers).toContain(markerOf(use));
      expect([await server.cli('GET', markerOf(use)), await pttl(markerOf(use))]).toEqual([
        expect.stringMatching(/^1\d{12} [0-9a-f]{40} [0-9a-f]{40} 0$/),
        -1,
      ]);
      const apart = storeOn(client, { keyPrefix: 'orders/v2:' });
      expect([await apart.seen(use), await apart.claim(use, TTL_MS)]).toEqual([false, true]);
      expect(await server.cli('EXISTS', keyOf(use, 'orders/v2:'))).toBe('1');
    });

    test.each([
      ['ten minutes by default', {}, TTL_MS, 600_000],
      ['as long as the agent asks for, if that is longer', {}, 7_201_000, 7_201_000],
      ['no shorter than ttlSeconds', { ttlSeconds: 100 }, TTL_MS, 100_000],
      ['longer than ttlSeconds if need be', { ttlSeconds: 1 }, TTL_MS, TTL_MS],
      ['whole milliseconds', { ttlSeconds: 1 }, TTL_MS - 0.5, TTL_MS],
    ])('a nonce is kept %s', async (_, options, ttlMs, expected) => {
      const use = newUse();
      await storeOn(await connect(server.port), options).claim(use, ttlMs);
      const left = await pttl(keyOf(use));
      expect(left).toBeGreaterThan(expected - 10_000);
      expect(left).toBeLessThanOrEqual(expected);
    });

    test('a second claim does not lengthen the life of the first', async () => {
      const store = storeOn(await connect(server.port), { ttlSeconds: 1 });
      const use = newUse();
      await store.claim(use, TTL_MS);
      expect(await store.claim(use, 10 * TTL_MS)).toBe(false);
      expect(await pttl(keyOf(use))).toBeLessThanOrEqual(TTL_MS);
    });

    test('a nonce is free again when its time is over, and not before', async () => {
      const store = storeOn(await connect(server.port), { ttlSeconds: 1 });
      const use = newUse();
      const began = performance.now();
      expect(await store.claim(use, 1)).toBe(true);
      await until(() => store.claim(use, 1));
      expect(performance.now() - began).toBeGreaterThan(900);
    });

    test('a server that wants a password', async () => {
      const locked = await RedisServer.start({ password: 'open-sesame' });
      const store = storeOn(await connect(locked.port, 'open-sesame'));
      const use = newUse();
      expect([await store.claim(use, TTL_MS), await store.claim(use, TTL_MS)]).toEqual([true, false]);
    });

    test('a full server accepts nothing until it has room again', async () => {
      const store = storeOn(await connect(server.port));
      const known = newUse();
      await store.claim(known, TTL_MS);
      await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      await server.cli('CONFIG', 'SET', 'maxmemory', '1mb');
      try {
        const use = newUse();
        const error = await thrownBy(() => store.claim(use, TTL_MS));
        expect(error).toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE', status: 503 });
        expect(String(error.cause)).toContain('OOM');
        expect([await store.seen(use), await store.seen(known)]).toEqual([false, true]);
      } finally {
        await server.cli('CONFIG', 'SET', 'maxmemory', '0');
      }
      expect(await store.claim(newUse(), TTL_MS)).toBe(true);
    });

    test('a command that is forbidden accepts nothing', async () => {
      const store = storeOn(await connect(server.port));
      await server.cli('ACL', 'SETUSER', 'default', '-set', '-exists', '-eval');
      try {
        for (const call of [() => store.seen(newUse()), () => store.claim(newUse(), TTL_MS)]) {
          const error = await thrownBy(call);
          expect([error.id, String(error.cause)]).toEqual([
            'NONCE_STORE_UNAVAILABLE',
            expect.stringContaining('NOPERM'),
          ]);
        }
      } finally {
        await server.cli('ACL', 'SETUSER', 'default', '+@all');
      }
    });

    test('a replica, which cannot be written to, accepts nothing', async () => {
      const replica = await RedisServer.start({ args: ['--replicaof', '127.0.0.1', String(server.port)] });
      const store = storeOn(await connect(replica.port));
      expect(String((await thrownBy(() => store.claim(newUse(), TTL_MS))).cause)).toContain('READONLY');
    });

    test('two instances of one agent accept an envelope once', async () => {
      const store = async () => storeOn(await connect(server.port));
      const { world, alice, bob } = await pair({}, { nonceStore: await store() });
      world.clock.set(Date.now() + 10_000);
      const twin = await world.agent('bob', { nonceStore: await store() });
      const sent = await alice.send({ to: bob.did, payload: 1 });
      const results = await Promise.all([bob, twin, bob, twin].map((agent) => agent.receive(sent)));
      expect(results.map(idOf).sort()).toEqual([
        'REPLAY_DETECTED',
        'REPLAY_DETECTED',
        'REPLAY_DETECTED',
        'ok',
      ]);
    });
  });

  test('a client of ioredis that connects at its first command', async () => {
    const client = new Redis({ host: '127.0.0.1', port: server.port, lazyConnect: true });
    const store = storeOn(client);
    expect(client.status).toBe('wait');
    expect(await store.seen(newUse())).toBe(false);
    expect(await store.claim(newUse(), TTL_MS)).toBe(true);
    client.disconnect();
    await until(() => client.status === 'end');
    await expect(store.claim(newUse(), TTL_MS)).rejects.toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE' });
  });

  test('a client of node-redis that is not connected', async () => {
    const client = createClient({ socket: { host: '127.0.0.1', port: server.port } });
    const store = storeOn(client);
    const { error, ms } = await timed(() => store.claim(newUse(), TTL_MS));
    expect(error).toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE' });
    expect(ms).toBeLessThan(1000);
    await client.connect();
    expect(await store.claim(newUse(), TTL_MS)).toBe(true);
    client.destroy();
  });

  test('a pool of node-redis', async () => {
    const socket = { host: '127.0.0.1', port: server.port };
    const pool = createClientPool({ socket }, { cleanupDelay: 10 });
    await pool.connect();
    const [use, store] = [newUse(), storeOn(pool)];
    await store.seen(use);
    expect(pool.totalClients).toBeLessThan(5);
    const claims = Array.from({ length: 50 }, () => store.claim(use, TTL_MS));
    expect(trues(await Promise.all(claims))).toBe(1);
    await pool.close();
  });

  test('anything else is no client', async () => {
    const ioredis = new Redis({ port: server.port, lazyConnect: true });
    const nodeRedis = createClient();
    const strangers: unknown[] = [
      ...[null, 'redis://127.0.0.1', 6379, {}, [], new Map(), () => {}],
      { set: async () => 'OK', get: async () => null, exists: async () => 0 },
      { status: 'ready', call: async () => 'OK', on() {} },
      { status: 'ready', isOpen: true, call: 'OK', multi: null, connect: 1, sendCommand: 'OK' },
      ...[ioredis.pipeline(), nodeRedis.multi(), Redis, createClient],
    ];
    for (const client of strangers) {
      const error = await thrownBy(() => new RedisNonceStore({ client: client as RedisClient }));
      expect([error.id, error.field]).toEqual(['INVALID_OPTION', 'client']);
    }
    ioredis.disconnect();
  });
});

/** Which commands are still unsent then depends on the network, so the client's word is taken for it. */
test('a client that can drop what it could not send in time is told the time limit', async () => {
  const given: object[] = [];
  const impatient = fakeClient({
    EVAL: async () => verified(MARKER),
    CLAIM: granted,
    GET: async () => MARKER,
    EXISTS: async () => 0,
  });
  const client = fakeClient(
    {},
    {
      isOpen: true,
      isReady: true,
      withCommandOptions(options: object) {
        given.push(options);
        return impatient;
      },
    },
  );
  const store = new RedisNonceStore({ client, timeoutMs: 321 });
  expect(await store.claim(newUse(), TTL_MS)).toBe(true);
  expect(await store.seen(newUse())).toBe(false);
  expect(given).toEqual([{ timeout: 321 }]);
});
