import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MemoryKeyStore } from '@private.me/xlink';
import {
  PostgresKeyStore as KeyStoreInPostgres,
  PostgresClientStore,
  type PostgresKeyStoreOptions,
  PostgresLeafStore,
  PostgresModeStore,
  PostgresNonceStore,
  PostgresSequenceStore,
  PostgresTicketKeyStore,
  PostgresTrustRegistry,
  PostgresWrappingKeyStore,
} from '@private.me/xlink/postgres';
import type pg from 'pg';
import { identityOf } from '../../support/agents.js';
import { describeWith, programFile } from '../../support/needs-program.js';
import { PostgresServer } from '../../support/postgres-server.js';
import { thrownBy } from '../../support/results.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { poolsOf } from './support.js';

const FOLDER = 'src/stores/postgres/migrations';
const INSTALLED = 'node_modules/@private.me/xlink/';

const dids = await Promise.all(
  ['alice', 'bob', 'carol'].map(async (name) => (await identityOf(name, 1)).did),
);
const STORES = [
  PostgresTrustRegistry,
  PostgresClientStore,
  PostgresModeStore,
  PostgresWrappingKeyStore,
  PostgresNonceStore,
  PostgresSequenceStore,
  PostgresTicketKeyStore,
  PostgresLeafStore,
  class PostgresKeyStore extends KeyStoreInPostgres {
    constructor(options: Omit<PostgresKeyStoreOptions, 'wrappingKeys'>) {
      super({ ...options, wrappingKeys: new MemoryKeyStore().wrappingKeys });
    }
  },
];
const FAILURES = [
  'REGISTRATION_FAILED',
  'CLIENT_STORE_UNAVAILABLE',
  'MODE_STORE_UNAVAILABLE',
  'KEY_STORE_UNAVAILABLE',
  'NONCE_STORE_UNAVAILABLE',
  'NONCE_STORE_UNAVAILABLE',
  'SESSION_STORE_UNAVAILABLE',
  'SESSION_STORE_UNAVAILABLE',
  'KEY_STORE_UNAVAILABLE',
];

describeWith(['initdb', 'postgres', 'psql'], 'Migrations of PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 30_000);
  afterAll(() => server?.stop());
  const open = poolsOf(() => server);

  const versionsOf = async (pool: pg.Pool, schema = 'public') => {
    const sql = `SELECT table_name || ' ' || version AS step FROM ${schema}.xlink_schema_version ORDER BY 1`;
    return (await pool.query(sql)).rows.map(({ step }) => step);
  };
  /** An empty database, and how to open pools to it. */
  async function database(name: string) {
    await open().query(`CREATE DATABASE ${name}`);
    return (more: pg.PoolConfig = {}) => open({ database: name, ...more });
  }

  test('of all stores are made once, however many instances start at once', async () => {
    const connect = await database('together');
    const stores = Array.from({ length: 6 }, () => connect({ max: 2 })).flatMap((pool) =>
      STORES.map((Store) => new Store({ pool })),
    );
    await Promise.all(stores.map((store) => store.migrate()));
    expect(await versionsOf(connect())).toEqual([
      'xlink_clients 1',
      'xlink_clients 2',
      'xlink_clients 3',
      'xlink_clients 4',
      'xlink_keys 1',
      'xlink_leaves 1',
      'xlink_modes 1',
      'xlink_nonces 1',
      'xlink_registry 1',
      'xlink_sequences 1',
      'xlink_ticket_keys 1',
      'xlink_wrapping_keys 1',
    ]);
  });

  test('are made by another instance soon after the network of one that makes them is silently cut', async () => {
    const connect = await database('cut_off');
    const [observer, network] = [connect({ max: 1 }), await TcpProxy.start(server.port)];
    const cutOff = connect({ max: 1, port: network.port });
    await cutOff.query('SELECT 1');
    await observer.query(`SELECT pg_advisory_lock(hashtext('xlink_schema_version'))`);
    const lost = new PostgresClientStore({ pool: cutOff, timeoutMs: 500 }).migrate().catch((error) => error);
    const waiting = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
    while ((await observer.query(waiting)).rowCount === 0);
    network.lose();
    await observer.query(`SELECT pg_advisory_unlock(hashtext('xlink_schema_version'))`);
    // The server has given the lock to a client that never hears of it.
    await new PostgresClientStore({ pool: connect() }).migrate();
    expect(await versionsOf(observer)).toEqual([
      'xlink_clients 1',
      'xlink_clients 2',
      'xlink_clients 3',
      'xlink_clients 4',
    ]);
    network.cut();
    expect(await lost).toMatchObject({ id: 'CLIENT_STORE_UNAVAILABLE' });
  }, 20_000);

  test.each([
    ['of version 1', ['000-schema-version.sql', 'client-store/001-clients.sql']],
    ['from before there were versions', ['client-store/001-clients.sql']],
  ])('[E20] tables %s get an identity column; what is in them stays as it was', async (name, files) => {
    const connect = await database(name.replaceAll(' ', '_'));
    const owner = connect();
    for (const file of files) {
      const sql = readFileSync(`${FOLDER}/${file}`, 'utf8');
      await owner.query(files.length > 1 ? sql : sql.replace(/INSERT INTO "xlink_schema_version".*/, ''));
    }
    const insert = 'INSERT INTO xlink_clients_dids (id, did, client_id) VALUES ($1, $1, $2)';
    await owner.query("INSERT INTO xlink_clients (id, client) VALUES ('acme', 'acme')");
    for (const did of dids.slice(0, 2)) await owner.query(insert, [did, 'acme']);

    const stores = Array.from({ length: 4 }, () => new PostgresClientStore({ pool: connect({ max: 2 }) }));
    await Promise.all(stores.map((store) => store.migrate()));
    await stores[0]!.link(dids[2]!, 'acme');
    expect((await stores[1]!.get('acme'))?.dids).toEqual(dids);
    const { rows } = await owner.query(
      "SELECT is_identity FROM information_schema.columns WHERE table_name = 'xlink_clients_dids' AND column_name = 'nr'",
    );
    expect(rows).toEqual([{ is_identity: 'YES' }]);
    expect(await versionsOf(owner)).toEqual([
      'xlink_clients 1',
      'xlink_clients 2',
      'xlink_clients 3',
      'xlink_clients 4',
    ]);
  });

  test('by a later release are left alone', async () => {
    const pool = (await database('later'))();
    await new PostgresModeStore({ pool }).migrate();
    await pool.query("INSERT INTO xlink_schema_version (table_name, version) VALUES ('xlink_modes', 7)");
    const store = new PostgresModeStore({ pool });
    await store.migrate();
    expect(await store.save({ mode: 'hybrid', since: 1 }, 0)).toBe(true);
    expect(await versionsOf(pool)).toEqual(['xlink_modes 1', 'xlink_modes 7']);
  });

  test('one that fails leaves nothing behind, and is tried again', async () => {
    const pool = (await database('failing'))({ max: 1 });
    await pool.query('CREATE VIEW xlink_clients_dids AS SELECT 1 AS client_id'); // no index on a view
    const store = new PostgresClientStore({ pool });
    expect((await thrownBy(() => store.migrate())).cause).toMatchObject({ code: '42809' });
    const { rows } = await pool.query("SELECT to_regclass('xlink_schema_version') AS made");
    expect(rows).toEqual([{ made: null }]);
    await pool.query('DROP VIEW xlink_clients_dids');
    await store.migrate();
    expect(await store.link(dids[0]!, 'acme')).toBe('acme');
  });

  test.each([
    ['of the default names', 'defaults', undefined, 'public'],
    ['of other names in another schema', 'renamed', 'trust.order', 'trust'],
  ])(
    '[E20] a role without CREATE is told what to run, and goes on when it was run: tables %s',
    async (...given) => {
      const [, name, table, schema] = given;
      const connect = await database(name);
      const owner = connect();
      await owner.query(`CREATE SCHEMA IF NOT EXISTS ${schema}; CREATE ROLE ${name} LOGIN`);
      await owner.query(`GRANT USAGE ON SCHEMA ${schema} TO ${name}`);
      const app = connect({ user: name });
      for (const [at, Store] of STORES.entries()) {
        const store = new Store({ pool: app, ...(table ? { table: `${table}_${at}` } : {}) });
        const error = await thrownBy(() => store.migrate());
        expect([error.id, error.cause]).toMatchObject([FAILURES[at], { message: error.hint }]);
        expect(error.hint).toContain(`${Store.name}: this role may not`);
        const command = /or: (.*)\. Then grant/.exec(error.hint)![1]!.replaceAll(INSTALLED, '');
        const env = { ...process.env, PGHOST: '127.0.0.1', PGPORT: `${server.port}`, PGUSER: 'postgres' };
        const psql = `${programFile('psql')} -v ON_ERROR_STOP=1 -q -o /dev/null`;
        execFileSync('sh', ['-c', command.replace('psql', psql)], { env: { ...env, PGDATABASE: name } });
        await owner.query(`GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${name}`);
        await store.migrate();
      }
      expect(await versionsOf(owner, schema)).toHaveLength(12);
    },
  );
});
