import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PostgresTrustRegistry } from '@private.me/xlink/postgres';
import type pg from 'pg';
import { identityOf } from '../../support/agents.js';
import { describeWithPostgres, PostgresServer } from '../../support/postgres-server.js';
import { thrownBy, unwrap } from '../../support/results.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';
import { backendsOf, poolsOf } from './support.js';

const alice = (await identityOf('alice', 1)).did;
const LOCK_MS = 5000;

describeWithPostgres('Queries that ran out of time', () => {
  let server: PostgresServer;
  let tables = 0;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 30_000);
  afterAll(() => server?.stop());
  const open = poolsOf(() => server);

  async function registryOn(pool: pg.Pool, timeoutMs = 300) {
    const table = `entries_${tables++}`;
    unwrap(await new PostgresTrustRegistry({ pool, table }).add(alice));
    const registry = new PostgresTrustRegistry({ pool, table, timeoutMs });
    await registry.migrate();
    return { registry, table };
  }

  /** Locks a table until the returned function is called. */
  async function lock(table: string): Promise<() => Promise<void>> {
    const operator = await open().connect();
    await operator.query(`BEGIN; LOCK TABLE ${table}`);
    return async () => {
      await operator.query('COMMIT');
      operator.release();
    };
  }

  test('[E13] a table that is locked for 5 s never costs more connections than the pool may have', async () => {
    const [pool, observer] = [open({ max: 10 }), open()];
    const { registry, table } = await registryOn(pool);
    const unlock = await lock(table);
    const until5s = performance.now() + LOCK_MS;
    const outcomes = new Set<string>();
    const caller = async () => {
      while (performance.now() < until5s) outcomes.add((await thrownBy(() => registry.lookup(alice))).id);
    };
    const callers = Promise.all(Array.from({ length: 60 }, caller));
    const counts: number[] = [];
    while (performance.now() < until5s) counts.push((await backendsOf(pool, observer)).length);
    await callers;
    expect(Math.max(...counts)).toBe(10);
    expect(counts.length).toBeGreaterThan(50);
    expect([...outcomes]).toEqual(['LOOKUP_FAILED']);
    await unlock();
    await until(() => registry.lookup(alice).then(Boolean, () => false), { withinMs: 1000 });
    expect(pool.totalCount).toBeLessThanOrEqual(10);
  });

  test.each([
    ['the time limit of the store', {}, 300],
    ['the query_timeout of the pool', { query_timeout: 300 }, 10_000],
  ])('[E13] a query abandoned by %s ends at the server, too', async (_, config, timeoutMs) => {
    const [pool, observer] = [open({ max: 3, ...config }), open()];
    const { registry, table } = await registryOn(pool, timeoutMs);
    const unlock = await lock(table);
    const isActive = async () => (await backendsOf(pool, observer)).some(({ state }) => state === 'active');
    const lookup = thrownBy(() => registry.lookup(alice));
    await until(isActive);
    expect((await lookup).id).toBe('LOOKUP_FAILED');
    await until(async () => !(await isActive()), { withinMs: 1000 });
    await until(() => pool.idleCount === pool.totalCount, { withinMs: 1000 });
    expect(pool.totalCount).toBe(1); // used again, not replaced
    await unlock();
    expect((await registry.lookup(alice))?.status).toBe('active');
  });

  test('[E13] a call that gets its connection in the last part of its time does not begin a query', async () => {
    const pool = open({ max: 1 });
    const { registry } = await registryOn(pool, 1000);
    const client = await pool.connect();
    await client.query('SELECT 42');
    const lookup = thrownBy(() => registry.lookup(alice));
    setTimeout(() => client.release(), 950);
    expect((await lookup).id).toBe('LOOKUP_FAILED');
    await until(() => pool.idleCount === 1);
    expect(await backendsOf(pool, open())).toMatchObject([{ query: 'SELECT 42' }]);
  });

  test('[E13] once a network that was frozen for 3.5 s is back, so is the pool', async () => {
    const proxy = await TcpProxy.start(server.port);
    const [pool, observer] = [open({ port: proxy.port, max: 3, connectionTimeoutMillis: 300 }), open()];
    const { registry } = await registryOn(pool);
    proxy.freeze();
    const frozenUntil = performance.now() + 3500;
    const caller = async () => {
      while (performance.now() < frozenUntil) await thrownBy(() => registry.lookup(alice));
    };
    await Promise.all(Array.from({ length: 10 }, caller));
    proxy.heal();
    await until(() => registry.lookup(alice).then(Boolean, () => false), { withinMs: 2000 });
    await until(async () => (await backendsOf(pool, observer)).length <= 3, { withinMs: 2000 });
    expect(pool.totalCount).toBeLessThanOrEqual(3);
    await proxy.close();
  });

  test('a statement that the server refuses does not cost its connection', async () => {
    const [pool, observer] = [open({ max: 1 }), open()];
    const { registry, table } = await registryOn(pool);
    const pid = async () => (await pool.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
    const before = await pid();
    await observer.query(`ALTER TABLE ${table} RENAME TO gone`);
    expect((await thrownBy(() => registry.lookup(alice))).cause).toMatchObject({ cause: { code: '42P01' } });
    expect(await pid()).toBe(before);
  });
});
