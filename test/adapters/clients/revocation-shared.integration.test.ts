import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  CachedTrustRegistry,
  type ClientStore,
  type ManagedTrustRegistry,
  MemoryTrustRegistry,
} from '@private.me/xlink';
import { PostgresClientStore, PostgresTrustRegistry } from '@private.me/xlink/postgres';
import { RedisClientStore, RedisTrustRegistry } from '@private.me/xlink/redis';
import pg from 'pg';
import { CLIENTS } from '../../stores/redis/trust-registry-clients.js';
import { afterTest } from '../../support/after-test.js';
import { ACME, problemOf } from '../../support/http.js';
import { describeWithPostgres, PostgresServer } from '../../support/postgres-server.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { World } from '../../support/world.js';
import { enrollment, sealed, withKey } from '../requests.js';

interface Stores {
  readonly registry: ManagedTrustRegistry;
  readonly clients: ClientStore;
}

/** What must hold for instances that share stores, each with connections of its own. */
function holdsFor(open: () => Promise<Stores>): void {
  /** Instances of one API, and how to make a device that can write to it. */
  async function made(count: number, setup: object = {}) {
    const world = new World();
    const instance = async () => {
      const { registry: shared, clients } = await open();
      const registry = new CachedTrustRegistry({ registry: shared, ttlMs: 60_000 });
      const agent = await world.agent('api', { registry });
      const service = await world.serve({ agent, clock: world.clock, clients, ...setup });
      return { agent, registry, service, clients };
    };
    const instances: Awaited<ReturnType<typeof instance>>[] = [];
    while (instances.length < count) instances.push(await instance());
    const [{ agent: api, registry }] = instances as [(typeof instances)[0]];
    const device = async (name: string) => {
      const own = new MemoryTrustRegistry();
      return world.agent(name, {
        registry: {
          lookup: async (did) => (await registry.lookup(did)) ?? own.lookup(did),
          register: (entry) => own.register(entry),
          updateKeys: (keys) => own.updateKeys(keys),
        },
      });
    };
    return { world, api, device, services: instances.map(({ service }) => service), instances };
  }

  test('[A8] a client that is revoked at one instance is ended at all, with their next request', async () => {
    const { api, device, services } = await made(3);
    const [one, two, three] = services as [(typeof services)[0], (typeof services)[0], (typeof services)[0]];
    const first = await device('first');
    expect((await two.send(enrollment(first, api, ACME))).status).toBe(200);
    for (const service of services) {
      await service.accepted(sealed(first, api, {}, { scope: 'orders:read' }));
      await service.accepted(withKey(ACME));
    }
    await one.adapter.revokeClient('acme', { reason: 'contract ended' });
    for (const service of [three, two, one]) {
      await service.refused(withKey(ACME), '403 CLIENT_REVOKED');
      const answer = await service.send(sealed(first, api, {}, { scope: 'orders:read' }));
      expect(answer.status).toBe(403); // whether its cache has heard of the DID, or the store says so
      expect(['CLIENT_REVOKED', 'VERIFICATION_FAILED']).toContain(
        (problemOf(answer) as { code: string }).code,
      );
    }
    await two.adapter.restoreClient('acme', { reactivate: [first.did] });
    for (const service of services) await service.accepted(withKey(ACME));
  });

  test('[A8] of many enrollments at once, over all instances, no more succeed than a client may have', async () => {
    const { world, api, device, services, instances } = await made(3, {
      maxDidsPerClient: 3,
      enrollmentsPerMinute: 1000,
    });
    const devices = await Promise.all(Array.from({ length: 12 }, (_, at) => device(`many ${at}`)));
    const sent = await Promise.all(devices.map((each) => enrollment(each, api, ACME)));
    const answers = await Promise.all(sent.map((one, at) => services[at % 3]!.send(one)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    for (const answer of answers)
      if (answer.status !== 200)
        expect(problemOf(answer)).toMatchObject({ status: 409, subCode: 'TOO_MANY' });
    expect((await instances[0]!.clients.get('acme'))?.dids).toHaveLength(3);
    for (const [at, { did }] of devices.entries())
      expect((await instances[1]!.registry.lookup(did))?.status).toBe(
        answers[at]!.status === 200 ? 'active' : undefined,
      );
    expect(world.clock()).toBeGreaterThan(0);
  });
}

let names = 0;

describeWithPostgres('clients in PostgreSQL, over HTTP', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 30_000);
  afterAll(() => server?.stop());
  const table = () => `t${names}`;
  beforeAll(() => void (names += 1));

  holdsFor(async () => {
    const pool = new pg.Pool({ ...server.connection, max: 4 });
    const test = expect.getState().currentTestName!.includes('many') ? 'many' : 'one';
    const registry = new PostgresTrustRegistry({
      pool,
      table: `${table()}_${test}_registry`,
      timeoutMs: 5000,
    });
    afterTest(async () => {
      await registry.close?.();
      await pool.end();
    });
    return {
      registry,
      clients: new PostgresClientStore({ pool, table: `${table()}_${test}_clients`, timeoutMs: 5000 }),
    };
  });
});

describeWithRedis('clients in Redis, over HTTP', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  }, 30_000);
  afterAll(() => server?.stop());

  holdsFor(async () => {
    const at = { host: '127.0.0.1', port: server.port };
    const [main, subscriber] = [await CLIENTS['ioredis']!.one(at), await CLIENTS['ioredis']!.one(at)];
    const prefix = expect.getState().currentTestName!.includes('many') ? 'many:' : 'one:';
    const registry = new RedisTrustRegistry({
      client: main.client,
      subscriber: subscriber.client,
      keyPrefix: `${prefix}registry:`,
      timeoutMs: 5000,
    } as never);
    afterTest(async () => {
      await registry.close?.();
      main.end();
      subscriber.end();
    });
    return {
      registry,
      clients: new RedisClientStore({ client: main.client, keyPrefix: `${prefix}clients:`, timeoutMs: 5000 }),
    };
  });
});
