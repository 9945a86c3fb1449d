import { afterAll, beforeAll } from '@jest/globals';
import { MemoryLeafStore, MemorySequenceStore } from '@private.me/xlink';
import { PostgresLeafStore, PostgresSequenceStore, PostgresTicketKeyStore } from '@private.me/xlink/postgres';
import {
  type RedisClient,
  RedisLeafStore,
  RedisSequenceStore,
  RedisTicketKeyStore,
} from '@private.me/xlink/redis';
import pg from 'pg';
import { describeWithPostgres, PostgresServer } from '../support/postgres-server.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { CLIENTS, type MadeClient } from './redis/trust-registry-clients.js';
import {
  describeLeafStore,
  describeSequenceStore,
  describeTicketKeyStore,
} from './session-store-conformance.js';

const timeoutMs = 10_000;
const onWarning = () => {};
let places = 0;

describeSequenceStore('MemorySequenceStore', async () => {
  const store = new MemorySequenceStore();
  return { store: async () => store, close: async () => {} };
});

describeLeafStore('MemoryLeafStore', async () => {
  const store = new MemoryLeafStore();
  return { store: async () => store, close: async () => {} };
});

describeWithRedis('Redis', () => {
  let server: RedisServer;
  let cluster: RedisCluster;
  beforeAll(async () => {
    [server, cluster] = await Promise.all([RedisServer.start(), RedisCluster.start()]);
  }, 60_000);
  afterAll(() => Promise.all([server?.stop(), cluster?.stop()]));

  type Settings = { readonly client: RedisClient; readonly keyPrefix: string };
  const opened =
    <T>(connect: () => Promise<MadeClient>, make: (settings: Settings) => T) =>
    async () => {
      const keyPrefix = `test${places++}:`;
      const made: MadeClient[] = [];
      return {
        async store() {
          made.push(await connect());
          return make({ client: made.at(-1)!.client, keyPrefix });
        },
        async close() {
          for (const { end } of made) end();
        },
      };
    };
  for (const [name, clients] of Object.entries(CLIENTS)) {
    const servers = {
      'one server': () => clients.one({ host: '127.0.0.1', port: server.port }),
      cluster: () => clients.cluster(cluster.addresses),
    };
    for (const [where, connect] of Object.entries(servers)) {
      describeSequenceStore(
        `RedisSequenceStore, ${name}, ${where}`,
        opened(connect, (more) => new RedisSequenceStore({ ...more, timeoutMs, onWarning })),
      );
      describeLeafStore(
        `RedisLeafStore, ${name}, ${where}`,
        opened(connect, (more) => new RedisLeafStore({ ...more, timeoutMs, onWarning })),
      );
      describeTicketKeyStore(
        `RedisTicketKeyStore, ${name}, ${where}`,
        opened(connect, (more) => new RedisTicketKeyStore({ ...more, timeoutMs, onWarning })),
      );
    }
  }
});

describeWithPostgres('PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 30_000);
  afterAll(() => server?.stop());

  type Settings = { readonly pool: pg.Pool; readonly table: string };
  const opened =
    <T>(make: (settings: Settings) => T) =>
    async () => {
      const table = `test_${places++}`;
      const pools: pg.Pool[] = [];
      return {
        async store() {
          pools.push(new pg.Pool({ ...server.connection, max: 3 }));
          return make({ pool: pools.at(-1)!, table });
        },
        async close() {
          await Promise.all(pools.map((pool) => pool.end()));
        },
      };
    };
  describeSequenceStore(
    'PostgresSequenceStore',
    opened((more) => new PostgresSequenceStore({ ...more, timeoutMs })),
  );
  describeLeafStore(
    'PostgresLeafStore',
    opened((more) => new PostgresLeafStore({ ...more, timeoutMs })),
  );
  describeTicketKeyStore(
    'PostgresTicketKeyStore',
    opened((more) => new PostgresTicketKeyStore({ ...more, timeoutMs })),
  );
});
