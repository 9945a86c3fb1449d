// Compiled, never run: a pool of the package `pg` fits every store without a cast.

import { PostgresClientStore, PostgresModeStore, PostgresTrustRegistry } from '@private.me/xlink/postgres';
import pg, { Pool, type PoolClient } from 'pg';
import type { PostgresClient, PostgresPool } from '../../src/stores/postgres/types.js';

for (const pool of [new Pool(), new pg.Pool({ max: 2 })]) {
  new PostgresTrustRegistry({ pool, subscriber: pool });
  new PostgresClientStore({ pool });
  new PostgresModeStore({ pool });
  pool satisfies PostgresPool;
}
export const acceptsClient = (client: PoolClient): PostgresClient => client;

// @ts-expect-error: a single connection is no pool
new PostgresClientStore({ pool: new pg.Client() });
// @ts-expect-error: nor is the text that a pool is made of
new PostgresClientStore({ pool: 'postgres://127.0.0.1/' });
