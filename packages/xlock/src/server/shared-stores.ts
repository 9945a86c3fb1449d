import type { LimitStore, OperationsStore } from '@private.me/xlink';
import { PostgresOperationsStore } from '@private.me/xlink/postgres';
import { RedisLimitStore, RedisOperationsStore, redisClientOptions } from '@private.me/xlink/redis';
import { XlockError } from '../errors.js';
import { invalidOption } from '../util/options.js';
import { StoredLimits } from './stored-limits.js';

/** What instances share. */
export interface SharedStores {
  readonly documents: OperationsStore;
  readonly limits: LimitStore;
  readonly close: () => Promise<void>;
}

/** Connects. Rejects with `STORE_UNAVAILABLE`, which names host, port and reason, or `INVALID_OPTION` where a package is missing. */
export const openSharedStores = (url: string): Promise<SharedStores> =>
  url.startsWith('redis') ? openRedis(url) : openPostgres(url);

async function openRedis(url: string): Promise<SharedStores> {
  const { Redis } = await installed('ioredis', () => import('ioredis'));
  const password = process.env['REDIS_PASSWORD'];
  const client = new Redis(url, {
    ...redisClientOptions.ioredis,
    lazyConnect: true,
    ...(password ? { password } : {}),
  });
  let reason: unknown;
  client.on('error', (error) => (reason ??= error)); // calls reject, and say less
  await client.connect().catch((error: unknown) => {
    client.disconnect(); // it would go on trying
    throw unreachable(url, 6379, reason ?? error);
  });
  return {
    documents: new RedisOperationsStore({ client, keyPrefix: 'xlock:server:' }),
    limits: new RedisLimitStore({ client, keyPrefix: 'xlock:server:limit:' }),
    close: async () => client.disconnect(),
  };
}

async function openPostgres(connectionString: string): Promise<SharedStores> {
  const { default: pg } = await installed('pg', () => import('pg'));
  const pool = new pg.Pool({ connectionString, max: 10, connectionTimeoutMillis: 2000 });
  pool.on('error', () => {}); // calls reject
  await pool.query('SELECT 1').catch(async (error: unknown) => {
    await pool.end().catch(() => {}); // the first failure is the one to tell
    throw unreachable(connectionString, 5432, error);
  });
  const documents = new PostgresOperationsStore({ pool, table: 'xlock_server', timeoutMs: 5000 });
  return { documents, limits: new StoredLimits(documents), close: () => pool.end() };
}

async function installed<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw invalidOption('store', `This store needs a package that is not installed: npm install ${name}`);
  }
}

/** Without user and password. */
function unreachable(text: string, usualPort: number, cause: unknown): XlockError {
  const { protocol, hostname, port } = new URL(text);
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  const reason = typeof code === 'string' ? code : message;
  const place = `${protocol}//${hostname}:${port || usualPort}`;
  return new XlockError('STORE_UNAVAILABLE', { resolution: `Cannot use ${place} (${reason}).`, cause });
}
