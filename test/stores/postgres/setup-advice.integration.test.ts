import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isXlinkError, MemoryKeyStore } from '@private.me/xlink';
import {
  PostgresClientStore,
  PostgresKeyStore,
  PostgresModeStore,
  PostgresNonceStore,
  PostgresTrustRegistry,
  PostgresWrappingKeyStore,
} from '@private.me/xlink/postgres';
import type pg from 'pg';
import { identityOf } from '../../support/agents.js';
import { programFile } from '../../support/needs-program.js';
import { describeWithPostgres, PostgresServer } from '../../support/postgres-server.js';
import { poolsOf } from './support.js';

const { did } = await identityOf('alice', 1);
const { wrappingKeys } = new MemoryKeyStore();

/** A call that reads, for each store and a table that it needs. */
const READS = {
  xlink_registry: (pool: pg.Pool) => new PostgresTrustRegistry({ pool }).lookup(did),
  xlink_clients_dids: (pool: pg.Pool) => new PostgresClientStore({ pool }).standingOf(did),
  xlink_modes: (pool: pg.Pool) => new PostgresModeStore({ pool }).load(),
  xlink_nonces: (pool: pg.Pool) =>
    new PostgresNonceStore({ pool }).seen({
      recipient: did,
      sender: did,
      nonce: 'a',
      timestamp: Date.now() + 60_000,
    }),
  xlink_keys: (pool: pg.Pool) => new PostgresKeyStore({ pool, wrappingKeys }).load(),
  xlink_wrapping_keys: (pool: pg.Pool) => new PostgresWrappingKeyStore({ pool }).ids(),
};
type Table = keyof typeof READS;
const TABLES = Object.keys(READS) as Table[];

/** What the operator reads: the message of the error, or of its cause where it is one of ours. */
async function adviceOf(reading: unknown): Promise<string> {
  try {
    await reading;
  } catch (error) {
    return ((isXlinkError(error) ? error.cause : error) as Error).message;
  }
  return 'nothing is wrong';
}

describeWithPostgres('What is wrong with the tables of a store', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 30_000);
  afterAll(() => server?.stop());
  const open = poolsOf(() => server);

  test.each(TABLES)(
    '%s: a right that is missing is named, with where the rights are listed',
    async (table) => {
      const owner = open();
      await READS[table](owner);
      const role = `app_of_${table}`;
      await owner.query(`CREATE ROLE ${role} LOGIN; GRANT SELECT ON xlink_schema_version TO ${role}`);
      const app = open({ user: role });
      expect(await adviceOf(READS[table](app))).toMatch(
        new RegExp(
          `^Postgres\\w+: this role may not use the tables of "\\w+" as it must \\(permission denied for table ${table}\\)\\. Grant it .*"Rights in PostgreSQL"`,
        ),
      );
      await owner.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
      await READS[table](app);
    },
  );

  test.each(TABLES)('%s: where it was dropped, what makes it anew is said, and does', async (table) => {
    const pool = open();
    await READS[table](pool);
    await pool.query(`DROP TABLE ${table}`);
    const advice = await adviceOf(READS[table](pool));
    expect(advice).toContain(`(relation "${table}" does not exist)`);
    const command = /run: (.*)\. Then grant/.exec(advice)![1]!;
    const here = command.replaceAll('node_modules/@private.me/xlink/', '');
    const psql = `${programFile('psql')} -v ON_ERROR_STOP=1 -q -o /dev/null -d postgres -h 127.0.0.1 -U postgres -p ${server.port}`;
    execFileSync('sh', ['-c', here.replace('psql', psql)]);
    await READS[table](pool);
  });
});
