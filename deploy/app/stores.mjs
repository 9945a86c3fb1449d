// Connections to Redis and PostgreSQL, and what lies behind them.
import { CachedTrustRegistry, RedisNonceStore } from '@private.me/xlink';
import { PostgresClientStore, PostgresModeStore, PostgresTrustRegistry } from '@private.me/xlink/postgres';
import { redisClientOptions } from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import pg from 'pg';

/** One of them listens to changes all the time; the rest is for queries. */
const POSTGRES_CONNECTIONS = 10;
/** How long a store may take to say that it is there. */
const PING_MS = 1000;

/** @param {string} url */
export function openPostgres(url) {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'xlink-app',
    max: POSTGRES_CONNECTIONS,
    connectionTimeoutMillis: 1000, // a dead network leaves attempts open for minutes,
    query_timeout: 2000, // and questions: that of the server is of no use if it cannot be reached
    statement_timeout: 1500, // the shorter one, so that no query goes on at the server after its connection was given up
    keepAlive: true,
  });
  const registry = new PostgresTrustRegistry({ pool });
  return {
    pool,
    registry,
    clients: new PostgresClientStore({ pool }),
    modes: new PostgresModeStore({ pool }),
    ping: () => within(PING_MS, pool.query('SELECT 1')),
    close: async () => {
      await registry.close();
      await pool.end();
    },
  };
}

/** @param {string} url @param {number} timeoutMs How long Redis may take for a nonce. */
export function openRedis(url, timeoutMs) {
  const redis = new Redis(url, redisClientOptions.ioredis);
  redis.on('error', () => {}); // the nonce store and /readyz say it where it matters
  return {
    nonces: new RedisNonceStore({ client: redis, timeoutMs }),
    ping: () => within(PING_MS, redis.ping()),
    close: () => redis.disconnect(),
  };
}

/**
 * Lookups of callers in memory for half a minute; changes are heard of at once.
 * @param {PostgresTrustRegistry} registry
 */
export const cached = (registry) => new CachedTrustRegistry({ registry, ttlMs: 30_000, maxEntries: 10_000 });

/** Whether it settles well in time. @param {number} ms @param {Promise<unknown>} work @returns {Promise<boolean>} */
function within(ms, work) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    work.then(
      () => resolve(true),
      () => resolve(false),
    );
    work.finally(() => clearTimeout(timer)).catch(() => {});
  });
}
