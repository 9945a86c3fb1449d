import { afterAll, beforeAll } from '@jest/globals';
import { PostgresClientStore, PostgresModeStore } from '@private.me/xlink/postgres';
import pg from 'pg';
import { describeWithPostgres, PostgresServer } from '../../support/postgres-server.js';
import { until } from '../../support/until.js';
import { describeSharedMode } from '../mode-store-conformance.js';

describeWithPostgres('PostgresModeStore', () => {
  let server: PostgresServer;
  let tables = 0;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 30_000);
  afterAll(() => server?.stop());

  describeSharedMode('PostgreSQL', async () => {
    const table = `modes_${tables++}`;
    const pools: pg.Pool[] = [];
    const pool = () => {
      pools.push(new pg.Pool({ ...server.connection, max: 3 }));
      return pools.at(-1)!;
    };
    const timeoutMs = 10_000;
    return {
      modes: async () => new PostgresModeStore({ pool: pool(), table, timeoutMs }),
      clients: async () => new PostgresClientStore({ pool: pool(), table: `${table}_clients`, timeoutMs }),
      wipe: async () => void (await pools[0]!.query(`TRUNCATE ${table}`)),
      damage: async () =>
        void (await pools[0]!.query(`UPDATE ${table} SET state = '{"mode":"off","since":1}'`)),
      async close() {
        // A pool that is ended while somebody waits for a connection leaves him waiting.
        const isQuiet = (one: pg.Pool) => one.waitingCount === 0 && one.idleCount === one.totalCount;
        await until(() => pools.every(isQuiet), { what: 'the pools to be quiet' });
        await Promise.all(pools.map((one) => one.end()));
      },
    };
  });
});
