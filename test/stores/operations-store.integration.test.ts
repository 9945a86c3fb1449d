import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { FileOperationsStore } from '@private.me/xlink/file';
import { PostgresOperationsStore } from '@private.me/xlink/postgres';
import { RedisOperationsStore } from '@private.me/xlink/redis';
import pg from 'pg';
import { describeWithPostgres, PostgresServer } from '../support/postgres-server.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { describeOperationsStore } from './operations-store-conformance.js';
import { CLIENTS, type MadeClient } from './redis/trust-registry-clients.js';

const timeoutMs = 10_000;

describeOperationsStore('MemoryOperationsStore', async () => {
  const store = new MemoryOperationsStore();
  return { operations: async () => store, close: async () => {} };
});

describeOperationsStore('FileOperationsStore', async () => {
  const store = new FileOperationsStore(`${await temporaryFolder()}/operations`);
  return { operations: async () => store, close: () => store.close() };
});

test('FileOperationsStore: what was acknowledged is there after a restart, what was removed is not', async () => {
  const path = `${await temporaryFolder()}/operations`;
  const first = new FileOperationsStore(path);
  await first.save('a/one', '1', 0);
  await first.save('a/one', '2', 1);
  await first.save('a/two', '1', 0);
  await first.remove('a/two', 1);
  await first.close();
  const second = new FileOperationsStore(path);
  expect(await second.list('a')).toEqual([{ id: 'a/one', json: '2', version: 2 }]);
  await second.close();
});

let prefixes = 0;
describeWithRedis('Redis', () => {
  let server: RedisServer;
  let cluster: RedisCluster;
  beforeAll(async () => {
    [server, cluster] = await Promise.all([RedisServer.start(), RedisCluster.start()]);
  }, 60_000);
  afterAll(() => Promise.all([server?.stop(), cluster?.stop()]));

  const opened = (connect: () => Promise<MadeClient>) => async () => {
    const keyPrefix = `test${prefixes++}:`;
    const made: MadeClient[] = [];
    return {
      async operations() {
        made.push(await connect());
        return new RedisOperationsStore({ client: made.at(-1)!.client, keyPrefix, timeoutMs });
      },
      async close() {
        for (const { end } of made) end();
      },
    };
  };
  for (const [name, clients] of Object.entries(CLIENTS)) {
    const one = () => clients.one({ host: '127.0.0.1', port: server.port });
    describeOperationsStore(`RedisOperationsStore, ${name}, one server`, opened(one));
    describeOperationsStore(
      `RedisOperationsStore, ${name}, cluster`,
      opened(() => clients.cluster(cluster.addresses)),
    );
  }
});

describeWithPostgres('PostgreSQL', () => {
  let server: PostgresServer;
  let tables = 0;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 30_000);
  afterAll(() => server?.stop());

  describeOperationsStore('PostgresOperationsStore', async () => {
    const table = `operations_${tables++}`;
    const pools: pg.Pool[] = [];
    return {
      async operations() {
        pools.push(new pg.Pool({ ...server.connection, max: 3 }));
        return new PostgresOperationsStore({ pool: pools.at(-1)!, table, timeoutMs });
      },
      async close() {
        await Promise.all(pools.map((pool) => pool.end()));
      },
    };
  });
});
