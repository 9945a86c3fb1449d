import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { PostgresTrustRegistry } from '@private.me/xlink/postgres';
import pg from 'pg';
import { describeRegistry } from '../../registry/conformance.js';
import { identityOf } from '../../support/agents.js';
import { describeWithPostgres, PostgresServer } from '../../support/postgres-server.js';
import { errorOf, idOf, thrownBy, unwrap } from '../../support/results.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';
import { describeOutages } from '../trust-registry-outages.js';

const alice = (await identityOf('alice', 1)).did;

/** Does not wait for connections that a dead network holds. */
const end = async (pool: pg.Pool): Promise<void> => {
  await Promise.race([pool.end(), new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
};

describeWithPostgres('PostgresTrustRegistry', () => {
  let server: PostgresServer;
  let tables = 0;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 30_000);
  afterAll(() => server.stop());

  describeRegistry('PostgresTrustRegistry', async () => {
    const table = `entries_${tables++}`;
    const pools: pg.Pool[] = [];
    const open = () => {
      const pool = new pg.Pool({ ...server.connection, max: 5 });
      pools.push(pool);
      return new PostgresTrustRegistry({ pool, table });
    };
    const opened = [open()];
    await opened[0]!.migrate();
    return {
      registry: opened[0]!,
      another: async () => {
        opened.push(open());
        return opened.at(-1)!;
      },
      async close() {
        for (const each of opened) each.close();
        await Promise.all(pools.map((pool) => pool.end()));
      },
    };
  });

  describeOutages(
    'PostgresTrustRegistry',
    () => server,
    async (port, limits) => {
      const pool = new pg.Pool({ ...server.connection, port, max: 5 });
      const registry = new PostgresTrustRegistry({ pool, table: 'outages', ...limits });
      return { registry, end: () => end(pool) };
    },
  );

  describe('the table', () => {
    const pools: pg.Pool[] = [];
    afterEach(() => Promise.all(pools.splice(0).map(end)));
    const connect = (more: pg.PoolConfig = {}) => {
      const pool = new pg.Pool({ ...server.connection, ...more });
      pools.push(pool);
      return pool;
    };

    test('is made once, however many instances start at once', async () => {
      const registries = Array.from(
        { length: 12 },
        () => new PostgresTrustRegistry({ pool: connect({ max: 2 }), table: 'started_together' }),
      );
      const ids = (await Promise.all(registries.map((each) => each.add(alice)))).map(idOf);
      expect(ids).toEqual(Array(12).fill('ok'));
      const { rows } = await connect().query('SELECT version::int FROM started_together');
      expect(rows).toEqual([{ version: 12 }]);
    });

    test('may be in another schema, and be made by somebody else', async () => {
      const owner = connect();
      await owner.query('CREATE SCHEMA trust; CREATE ROLE app LOGIN; GRANT USAGE ON SCHEMA trust TO app');
      const app = new PostgresTrustRegistry({ pool: connect({ user: 'app' }), table: 'trust.entries' });
      const forbidden = { cause: { code: '42501' } };
      expect((await thrownBy(() => app.lookup(alice))).cause).toMatchObject(forbidden);
      expect(errorOf(await app.add(alice)).cause).toMatchObject(forbidden);
      expect((await thrownBy(() => app.migrate())).id).toBe('REGISTRATION_FAILED');
      const made = new PostgresTrustRegistry({ pool: owner, table: 'trust.entries' });
      await made.migrate();
      await made.migrate();
      await owner.query('GRANT SELECT, INSERT, UPDATE ON trust.entries TO app');
      await owner.query('GRANT SELECT ON trust.xlink_schema_version TO app');
      unwrap(await app.add(alice)); // which had failed before
      expect((await app.list()).map(({ did }) => did)).toEqual([alice]);
    });

    test('holds what an operator can read', async () => {
      const pool = connect();
      const registry = new PostgresTrustRegistry({ pool, table: 'readable' });
      unwrap(await registry.add(alice, { name: 'Zażółć' }));
      const { rows } = await pool.query(
        "SELECT entry->>'name' AS name, entry->>'status' AS status FROM readable",
      );
      expect(rows).toEqual([{ name: 'Zażółć', status: 'active' }]);
    });

    test('holds any text, whatever the encoding of the database', async () => {
      await connect().query("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
      const registry = new PostgresTrustRegistry({ pool: connect({ database: 'latin' }) });
      unwrap(await registry.add(alice, { name: 'Zażółć 😀 \u0000' }));
      expect((await registry.lookup(alice))?.name).toBe('Zażółć 😀 \u0000');
    });

    test.each([
      'not JSON of an entry',
      '{"did":"did:key:other","status":"active"}',
      '{"did":"%","status":"paused"}',
      '{"did":"%","status":"active","sendScopes":"*"}',
    ])('that holds something else is down, not empty: %s', async (text) => {
      const pool = connect();
      const registry = new PostgresTrustRegistry({ pool, table: 'spoilt' });
      await registry.migrate();
      const json = text.startsWith('{') ? text.replace('%', alice) : JSON.stringify(text);
      await pool.query('DELETE FROM spoilt');
      await pool.query('INSERT INTO spoilt (did, version, entry) VALUES ($1, 1, $2)', [alice, json]);
      expect((await thrownBy(() => registry.lookup(alice))).id).toBe('LOOKUP_FAILED');
      expect((await thrownBy(() => registry.list())).id).toBe('LOOKUP_FAILED');
      expect(idOf(await registry.revoke(alice))).toBe('LOOKUP_FAILED');
    });

    test('gone is down, too', async () => {
      const pool = connect();
      const registry = new PostgresTrustRegistry({ pool, table: 'dropped' });
      unwrap(await registry.add(alice));
      await pool.query('DROP TABLE dropped');
      expect((await thrownBy(() => registry.lookup(alice))).cause).toMatchObject({
        cause: { code: '42P01' },
      });
    });

    test('that is locked holds up nobody else: a query that ran out of time gives its connection back', async () => {
      const pool = connect({ max: 1 });
      const [locked, other] = ['locked', 'unlocked'].map(
        (table) => new PostgresTrustRegistry({ pool, table, timeoutMs: 200 }),
      ) as [PostgresTrustRegistry, PostgresTrustRegistry];
      for (const each of [locked, other]) {
        await each.migrate();
        unwrap(await each.add(alice));
      }
      const operator = await connect().connect();
      await operator.query('BEGIN; LOCK TABLE locked');
      expect((await thrownBy(() => locked.lookup(alice))).id).toBe('LOOKUP_FAILED');
      expect((await other.lookup(alice))?.status).toBe('active');
      await operator.query('COMMIT');
      operator.release();
      expect((await locked.lookup(alice))?.status).toBe('active');
    });

    test('connections come back to the pool, also those that came too late', async () => {
      const proxy = await TcpProxy.start(server.port);
      const pool = connect({ port: proxy.port, max: 3 });
      const registry = new PostgresTrustRegistry({ pool, table: 'returned', timeoutMs: 500 });
      await registry.migrate();
      await registry.lookup(alice);
      proxy.freeze();
      const lookups = Array.from({ length: 3000 }, () => registry.lookup(alice));
      await Promise.allSettled(lookups);
      expect(pool.waitingCount).toBeLessThanOrEqual(1000);
      proxy.heal();
      await until(() => pool.waitingCount === 0 && pool.idleCount === pool.totalCount);
      await until(() =>
        registry.lookup(alice).then(
          () => true,
          () => false,
        ),
      );
      expect(pool.totalCount).toBeLessThanOrEqual(3);
      await proxy.close();
    });
  });

  test.each([
    [{}, 'pool'],
    [{ pool: {} }, 'pool'],
    [{ table: 'a"; DROP TABLE b; --' }, 'table'],
    [{ table: 'A' }, 'table'],
    [{ table: 'a.b.c' }, 'table'],
    [{ table: 'a'.repeat(64) }, 'table'],
    [{ channel: 'a b' }, 'channel'],
    [{ tabel: 'a' }, 'tabel'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
  ])('options are checked: %j', async (options, field) => {
    const pool = new pg.Pool();
    const given = field === 'pool' ? options : { pool, ...options };
    const error = await thrownBy(() => new PostgresTrustRegistry(given as never));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', field]);
  });

  test('a pool of one connection cannot be listened with', async () => {
    const registry = new PostgresTrustRegistry({ pool: new pg.Pool({ max: 1 }) });
    expect(await thrownBy(() => registry.onChange(() => {}))).toMatchObject({
      id: 'INVALID_OPTION',
      field: 'pool',
    });
  });
});
