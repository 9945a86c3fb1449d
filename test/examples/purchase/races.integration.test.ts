import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PostgresNonceStore, PostgresOperationsStore } from '@private.me/xlink/postgres';
import {
  RedisLimitStore,
  RedisNonceStore,
  RedisOperationsStore,
  redisClientOptions,
} from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterTest } from '../../support/after-test.js';
import { describeWithPostgres, PostgresServer } from '../../support/postgres-server.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { until } from '../../support/until.js';
import { ORDER, Shop, type ShopOptions } from './shop.js';

const INSTANCES = 4;
const AT_ONCE = 50;

/** 50 new envelopes with one key, at once, over four instances: one is paid, whoever asks later gets its answer. */
async function race(stores: ShopOptions): Promise<void> {
  const shop = await Shop.open({ instances: INSTANCES, clock: Date.now, ...stores });
  const envelopes = await Promise.all(Array.from({ length: AT_ONCE }, () => shop.envelope()));
  const answers = await Promise.all(
    envelopes.map((envelope, at) => shop.post(envelope, { 'idempotency-key': 'one' }, at % INSTANCES)),
  );
  const said = answers.map((answer) => answer.said);
  const done = answers.filter(({ status }) => status === 200);
  expect(new Set(said)).toEqual(
    new Set(said.includes('409 PURCHASE_IN_PROGRESS') ? ['200', '409 PURCHASE_IN_PROGRESS'] : ['200']),
  );
  expect(new Set(done.map(({ text }) => text)).size).toBe(1);
  expect(done.filter(({ headers }) => headers['idempotent-replayed'] === undefined)).toHaveLength(1);
  expect([shop.charged, shop.fake.customers.length]).toEqual([1, 1]);
  expect(shop.fake.requests.filter((request) => request.startsWith('POST'))).toHaveLength(3);
  for (let at = 0; at < INSTANCES; at++) expect((await shop.buy('one', ORDER, at)).text).toBe(done[0]!.text);

  const stolen = envelopes[0]!;
  for (let at = 0; at < INSTANCES; at++)
    expect((await shop.post(stolen, { 'idempotency-key': `other-${at}` }, at)).said).toBe(
      '409 REPLAY_DETECTED',
    );
  const others = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, at) =>
      shop.buy('two', { ...ORDER, paymentMethod: `pm_${at % 2}` }, at % INSTANCES),
    ),
  );
  expect(others.filter(({ said }) => said === '422 IDEMPOTENCY_KEY_REUSED')).toHaveLength(AT_ONCE / 2);
  expect(shop.charged).toBe(2);
}

describeWithPostgres('four instances with PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 60_000);
  afterAll(() => server?.stop());

  const stores = (): ShopOptions => {
    const pools = Array.from({ length: INSTANCES }, () => new pg.Pool({ ...server.connection, max: 5 }));
    afterTest(() => Promise.all(pools.map((pool) => pool.end())));
    const timeoutMs = 20_000;
    return {
      storeOf: (at) => new PostgresOperationsStore({ pool: pools[at]!, table: 'purchases', timeoutMs }),
      nonceStoreOf: async (at) => {
        const store = new PostgresNonceStore({ pool: pools[at]!, timeoutMs });
        await store.migrate(); // what is sealed before it remembers, it refuses
        return store;
      },
      // the limit has a test of its own
      app: { limits: { take: () => ({ count: 1, resetMs: 1 }) } },
    };
  };

  test('one key, 50 at once: one charge', () => race(stores()));

  test('a restart of all instances forgets nothing', async () => {
    const before = await Shop.open({ instances: 1, clock: Date.now, ...stores() });
    const first = await before.buy('kept');
    const after = await Shop.open({ instances: 1, clock: Date.now, ...stores() });
    expect((await after.buy('kept')).text).toBe(first.text);
    expect(after.fake.requests).toEqual([]);
  });
});

describeWithRedis('four instances with Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start({ persistent: true });
  }, 60_000);
  afterAll(() => server?.stop());

  const clients = () => {
    const made = Array.from({ length: INSTANCES }, () => new Redis(server.url, redisClientOptions.ioredis));
    for (const client of made) afterTest(() => client.disconnect());
    return made;
  };

  test('one key, 50 at once: one charge', async () => {
    const redis = clients();
    const timeoutMs = 20_000;
    await race({
      storeOf: (at) => new RedisOperationsStore({ client: redis[at]!, keyPrefix: 'purchases:', timeoutMs }),
      nonceStoreOf: async (at) => {
        const store = new RedisNonceStore({ client: redis[at]!, timeoutMs });
        // What is sealed before all buckets remember, it refuses.
        await until(async () => Number(await server.cli('DBSIZE')) >= 64, { withinMs: 20_000 });
        return store;
      },
      app: { limits: { take: () => ({ count: 1, resetMs: 1 }) } },
    });
  });

  test('60 a minute for a DID in all instances together', async () => {
    const [client] = clients();
    await once(client!, 'ready');
    const limits = new RedisLimitStore({ client: client!, keyPrefix: 'limits:', timeoutMs: 20_000 });
    const shop = await Shop.open({ instances: INSTANCES, clock: Date.now, app: { limits } });
    const answers = [];
    for (let at = 0; at < 64; at++) answers.push(await shop.buy('one', ORDER, at % INSTANCES));
    expect(answers.map(({ status }) => status)).toEqual([...Array(60).fill(200), ...Array(4).fill(429)]);
  });
});
