import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  PostgresNonceStore,
  PostgresSequenceStore,
  PostgresTicketKeyStore,
} from '@private.me/xlink/postgres';
import type pg from 'pg';
import { identityOf } from '../../support/agents.js';
import { describeWithPostgres, PostgresServer } from '../../support/postgres-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';
import { timed } from '../client-store-backends.js';
import { poolsOf } from './support.js';

// What PostgreSQL remembers of envelopes and of requests in sessions, and what it says once it does not.

const TTL_MS = 61_000;
const TIMEOUT_MS = 300;
/** A busy machine is late. */
const SLACK_MS = 1500;
const COLD_START = { id: 'NONCE_STORE_UNAVAILABLE:COLD_START' };
const DOWN = { id: 'NONCE_STORE_UNAVAILABLE' };
const [recipient, sender] = await Promise.all(
  ['api', 'caller'].map(async (name) => (await identityOf(name)).did),
);

/** What one store claims, by the clock of now unless told otherwise. */
interface Subject {
  readonly table: string;
  open(
    pool: pg.Pool,
    more?: { timeoutMs?: number },
  ): (name: string, at?: number, ttl?: number) => Promise<boolean>;
}
const SUBJECTS: Readonly<Record<string, Subject>> = {
  PostgresSequenceStore: {
    table: 'xlink_sequences',
    open(pool, more) {
      const store = new PostgresSequenceStore({ pool, timeoutMs: 10_000, ...more });
      return (sid, timestamp = Date.now(), ttlMs = TTL_MS) =>
        store.claimSequence({ sender: sender!, sid, seq: 7, timestamp }, ttlMs);
    },
  },
  PostgresNonceStore: {
    table: 'xlink_nonces',
    open(pool, more) {
      const store = new PostgresNonceStore({ pool, timeoutMs: 10_000, ttlSeconds: 1, ...more });
      return async (nonce, timestamp = Date.now(), ttlMs = TTL_MS) => {
        const use = { recipient: recipient!, sender: sender!, nonce, timestamp };
        return !(await store.seen(use)) && (await store.claim(use, ttlMs));
      };
    },
  },
};

const newName = () => randomBytes(16).toString('base64url');

describeWithPostgres('claims in PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 30_000);
  afterAll(() => server?.stop());
  beforeEach(async () => {
    if (!server.running) await server.restart();
  });
  const openPool = poolsOf(() => server);

  describe.each(Object.entries(SUBJECTS))('%s', (_, { table, open }) => {
    /** Resolves once what is made now is accepted again. */
    const serving = (claim: ReturnType<Subject['open']>) =>
      until(() => claim(newName()).catch(() => false), { withinMs: 10_000, what: 'the store' });

    test('begins to remember when it is made: the first request is accepted', async () => {
      const pool = openPool();
      const claim = open(pool);
      await until(async () => (await pool.query(`SELECT to_regclass('${table}_since') AS r`)).rows[0].r);
      await until(async () => (await pool.query(`SELECT since FROM ${table}_since`)).rows.length === 1);
      await new Promise((resolve) => setImmediate(resolve));
      expect(await claim(newName(), Date.now() + 1)).toBe(true);
      await expect(claim(newName(), Date.now() - 3_600_000)).rejects.toMatchObject(COLD_START);
    });

    const LOSSES: Readonly<Record<string, (pool: pg.Pool) => Promise<unknown>>> = {
      'the server crashes': async () => {
        await server.kill();
        await server.restart();
      },
      'one of its processes crashes': async (pool) => {
        const { rows } = await pool.query(
          "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'",
        );
        process.kill(rows[0].pid, 'SIGKILL');
      },
      'the table is emptied': (pool) => pool.query(`TRUNCATE ${table}`),
      'the tables come out of a backup': async (pool) => {
        await pool.query(`CREATE TABLE copy AS SELECT * FROM ${table} LIMIT 3`);
        await pool.query(`DROP TABLE ${table}; CREATE UNLOGGED TABLE ${table} (LIKE copy)`);
        await pool.query(
          `ALTER TABLE ${table} ADD PRIMARY KEY (key); INSERT INTO ${table} SELECT * FROM copy`,
        );
        await pool.query('DROP TABLE copy');
      },
    };
    test.each(Object.entries(LOSSES))('after a loss, nothing is accepted again: %s', async (_name, lose) => {
      const pool = openPool();
      const claims = [open(pool), open(openPool()), open(openPool())];
      await serving(claims[0]!);
      const accepted: [string, number][] = [];
      for (let i = 0; i < 20; i++) {
        const use: [string, number] = [newName(), Date.now()];
        if (await claims[i % 3]!(...use).catch(() => false)) accepted.push(use);
      }
      expect(accepted.length).toBeGreaterThan(10);
      await lose(pool);
      const again = async () => {
        for (const claim of claims)
          for (const use of accepted) expect(await claim(...use).catch(() => false)).toBe(false);
      };
      await again();
      for (const claim of claims) await serving(claim);
      await again();
    });

    test('an orderly restart loses nothing, and what was made before is refused all the same', async () => {
      const claim = open(openPool());
      await serving(claim);
      const made = Date.now();
      await server.stopOrderly();
      await server.restart();
      await serving(claim);
      await expect(claim(newName(), made)).rejects.toMatchObject(COLD_START);
    });

    test('rows go when they are over, by the clock of the server', async () => {
      const pool = openPool();
      await serving(open(pool));
      const [over, lasting] = [open(pool), open(pool)];
      const count = async () => Number((await pool.query(`SELECT count(*) AS n FROM ${table}`)).rows[0].n);
      await pool.query(`DELETE FROM ${table}`);
      await over(newName(), Date.now(), 1); // sweeps before it is over
      await pool.query(`UPDATE ${table} SET expires_at = now() - interval '1 ms'`);
      await lasting(newName());
      await until(async () => (await count()) === 1);
      const { rows } = await pool.query(`SELECT expires_at - now() AS left FROM ${table}`);
      expect(rows[0].left.minutes).toBe(1);
    });

    test('down, and behind a silent cut: every claim is refused in time, and it comes back by itself', async () => {
      const proxy = await TcpProxy.start(server.port);
      const claim = open(openPool({ port: proxy.port }), { timeoutMs: TIMEOUT_MS });
      await serving(claim);
      const refuses = async () => {
        const { error, ms } = await timed(claim(newName()));
        expect(error).toMatchObject(DOWN);
        expect(ms).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      };
      proxy.freeze('answers');
      await refuses();
      proxy.heal();
      await serving(claim);
      await server.kill();
      await refuses();
      await server.restart();
      await serving(claim);
      await proxy.close();
    });

    test('a role that may not make the tables is told what to run, and works once somebody has', async () => {
      const owner = openPool();
      const role = `only_${table}`;
      const schema = `schema_${table}`;
      await owner.query(
        `CREATE ROLE ${role} LOGIN; CREATE SCHEMA ${schema}; GRANT USAGE ON SCHEMA ${schema} TO ${role}`,
      );
      const store = () => {
        const more = { pool: openPool({ user: role }), table: `${schema}.claims`, timeoutMs: 10_000 };
        return table === 'xlink_nonces' ? new PostgresNonceStore(more) : new PostgresSequenceStore(more);
      };
      await expect(store().migrate()).rejects.toMatchObject({
        ...DOWN,
        hint: expect.stringContaining('migrate()'),
      });
      const { constructor: Store } = store() as object as { constructor: typeof PostgresNonceStore };
      await new Store({ pool: owner, table: `${schema}.claims` }).migrate();
      await owner.query(`GRANT SELECT ON ${schema}.xlink_schema_version TO ${role}`);
      await owner.query(
        `GRANT SELECT, INSERT, UPDATE, DELETE ON ${schema}.claims, ${schema}.claims_since TO ${role}`,
      );
      await store().migrate();
    });
  });

  test('ticket keys: down means SESSION_STORE_UNAVAILABLE in time; a crash empties them', async () => {
    const pool = openPool();
    const store = new PostgresTicketKeyStore({ pool, timeoutMs: TIMEOUT_MS });
    await store.migrate();
    await store.keep('slot', 'sealed', TTL_MS);
    await server.kill();
    for (const call of [() => store.keep('slot', 'other', TTL_MS), () => store.read('slot')]) {
      const { error, ms } = await timed(call());
      expect(error).toMatchObject({ id: 'SESSION_STORE_UNAVAILABLE' });
      expect(ms).toBeLessThan(TIMEOUT_MS + SLACK_MS);
    }
    await server.restart();
    await until(async () => (await store.keep('slot', 'new', TTL_MS).catch(() => '')) === 'new');
  });

  test('ticket keys and claims are in no WAL, and old versions of a key do not wait for a threshold', async () => {
    const pool = openPool();
    for (const Store of [PostgresNonceStore, PostgresSequenceStore, PostgresTicketKeyStore])
      await new Store({ pool }).migrate();
    const sql = `SELECT relname, relpersistence, reloptions FROM pg_class
      WHERE relkind = 'r' AND relname ~ '^xlink_(nonces|sequences|ticket_keys)' ORDER BY relname`;
    const { rows } = await pool.query(sql);
    expect(rows).toHaveLength(5);
    expect(rows.every(({ relpersistence }) => relpersistence === 'u')).toBe(true);
    expect(rows.at(-1).reloptions).toContain('autovacuum_vacuum_threshold=0');
  });
});
