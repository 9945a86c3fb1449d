import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Agent, discover } from '@private.me/xlink';
import { PostgresOperationsStore, PostgresTrustRegistry } from '@private.me/xlink/postgres';
import pg from 'pg';
import { afterTest } from '../../support/after-test.js';
import { BuiltPackage } from '../../support/built-package.js';
import { describeWithPostgres, PostgresServer } from '../../support/postgres-server.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { until } from '../../support/until.js';
import { copyExample, ServerProcess } from './processes.js';
import { type Fake, ORDER, SCOPE } from './shop.js';

const { FakeStripe } = await import(
  new URL('../../../examples/purchase/fake-stripe.mjs', import.meta.url).href
);

describeWithPostgres('instances as processes, with PostgreSQL', () => {
  let copy: BuiltPackage;
  let folder: string;
  let server: PostgresServer;
  beforeAll(async () => {
    copy = new BuiltPackage();
    folder = copyExample(copy);
    server = await PostgresServer.start();
  }, 120_000);
  afterAll(async () => {
    copy?.remove();
    await server?.stop();
  });

  let fake: Fake;
  let pool: pg.Pool;
  let buyer: Agent;
  beforeEach(async () => {
    fake = await new FakeStripe().start();
    afterTest(() => fake.stop());
    pool = new pg.Pool(server.connection);
    afterTest(() => pool.end());
    const registry = new PostgresTrustRegistry({ pool });
    afterTest(() => registry.close());
    buyer = await Agent.quickstart({ name: 'buyer', registry, sendScopes: [SCOPE] });
  });

  const start = (more: Record<string, string> = {}) => {
    const { host, port, user, database } = server.connection;
    return ServerProcess.start(folder, {
      DATABASE_URL: `postgres://${user}@${host}:${port}/${database}`,
      IDENTITY_FILE: join(copy.temp, 'service.pkcs8'),
      STRIPE_SECRET_KEY: 'sk_test_1',
      STRIPE_WEBHOOK_SECRET: 'whsec_1',
      STRIPE_PRICE_BASIC: 'price_basic',
      STRIPE_PRICE_MIDDLE: 'price_middle',
      STRIPE_PRICE_ENTERPRISE: 'price_enterprise',
      STRIPE_URL: String(fake.url),
      XLINK_SINCE: new Date().toISOString(),
      INSTANCES: '2',
      ...more,
    });
  };

  const buy = async ({ url }: ServerProcess, key: string) => {
    const local = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true }; // 127.0.0.1
    const { did, keyRecord } = await discover(new URL('/', url).href, local);
    await buyer.adoptService(keyRecord);
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: JSON.stringify(await buyer.createEnvelope({ to: did, payload: ORDER, scope: SCOPE })),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, string> };
  };

  /** Rejects with the answer to a purchase that should not have one yet. */
  const early = async (bought: ReturnType<typeof buy>): Promise<never> => {
    throw new Error(JSON.stringify(await bought));
  };

  /** What two minutes do. */
  const endLeases = async () => {
    const store = new PostgresOperationsStore({ pool, table: 'purchases' });
    for (const { id, json, version } of await store.list('purchase'))
      await store.save(id, JSON.stringify({ ...JSON.parse(json), leaseUntil: 0 }), version);
  };

  test.each(['POST /v1/customers', 'POST /v1/subscriptions'])(
    'killed between %s and the record: the purchase is finished by another instance, and charged once',
    async (step) => {
      const [first, second] = await Promise.all([start(), start()]);
      expect(first.did).toBe(second.did);
      fake.trouble = (request) => (request === step ? 'hang-after' : undefined);
      const lost = buy(first, 'order-1');
      await Promise.race([
        until(() => fake.requests.includes(step), { withinMs: 20_000, what: step }),
        early(lost),
      ]);
      await first.end('SIGKILL');
      await expect(lost).rejects.toThrow();
      fake.trouble = () => undefined;
      expect(await buy(second, 'order-1')).toMatchObject({
        status: 409,
        body: { code: 'PURCHASE_IN_PROGRESS' },
      });
      await endLeases();
      const found = await buy(second, 'order-1');
      expect(found).toMatchObject({ status: 200, body: { subscriptionId: 'sub_1' } });
      expect([fake.subscriptions.length, fake.customers.length]).toEqual([1, 1]);
      const third = await start();
      expect(await buy(third, 'order-1')).toEqual(found);
    },
  );

  test('told to stop, it finishes what it began', async () => {
    const one = await start();
    const bought = buy(one, 'order-2');
    await until(() => fake.requests.length > 0, { withinMs: 20_000, what: 'the payment' });
    const ended = one.end('SIGTERM');
    expect((await bought).status).toBe(200);
    expect(await ended).toBe(0);
  });

  describeWithRedis('and Redis', () => {
    test('purchases are counted there', async () => {
      const redis = await RedisServer.start();
      afterTest(() => redis.stop());
      const one = await start({ REDIS_URL: redis.url });
      expect((await buy(one, 'order-3')).status).toBe(200);
      expect(await redis.cli('GET', `purchases:limit:purchase:${buyer.did}`)).toBe('1');
      expect(await one.end('SIGTERM')).toBe(0);
    });
  });

  test('without its settings it says which one is missing', async () => {
    await expect(ServerProcess.start(folder, { DATABASE_URL: '' })).rejects.toThrow(
      'DATABASE_URL is not set; the head of server.mjs says what is needed.',
    );
  });
});
