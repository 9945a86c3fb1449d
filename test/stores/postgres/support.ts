import { afterEach } from '@jest/globals';
import pg from 'pg';
import type { PostgresServer } from '../../support/postgres-server.js';

/** Opens pools to a server, each under a name that the server shows; all are ended after each test. */
export function poolsOf(server: () => PostgresServer) {
  const opened: pg.Pool[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((pool) => pool.end())));
  let names = 0;
  return (more: pg.PoolConfig = {}) => {
    const name = `pool-${names++}`;
    const pool = new pg.Pool({ ...server().connection, application_name: name, ...more });
    pool.on('error', () => {});
    opened.push(pool);
    return Object.assign(pool, { applicationName: name });
  };
}

export type NamedPool = ReturnType<ReturnType<typeof poolsOf>>;

/** What the server does for a pool, asked for over another one. */
export async function backendsOf(
  pool: NamedPool,
  observer: pg.Pool,
): Promise<{ query: string; state: string }[]> {
  const sql = 'SELECT query, state FROM pg_stat_activity WHERE application_name = $1';
  return (await observer.query(sql, [pool.applicationName])).rows;
}
