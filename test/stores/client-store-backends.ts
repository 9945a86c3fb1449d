import type { ClientStore, ModeStore } from '@private.me/xlink';
import { PostgresClientStore, PostgresModeStore } from '@private.me/xlink/postgres';
import { RedisClientStore, RedisModeStore } from '@private.me/xlink/redis';
import pg from 'pg';
import { describeWithPostgres, PostgresServer } from '../support/postgres-server.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { CLIENTS } from './redis/trust-registry-clients.js';

// Databases that fail, and stores in them, for the tests of outages.

/** A database that keeps what it acknowledged over `kill()`. */
export interface Database {
  readonly port: number;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** The stores of one instance, over connections of its own. */
export interface Stores {
  readonly clients: ClientStore;
  readonly modes: ModeStore;
  end(): Promise<void>;
}

export interface StoresOptions {
  /** What stores of the same name share. Lower-case letters, digits and `_`. */
  readonly name: string;
  readonly port: number;
  /** Where changes are listened to. Default: `port`. With PostgreSQL, another one is nowhere. */
  readonly subscriberPort?: number;
  readonly timeoutMs: number;
}

export interface Backend {
  readonly name: string;
  readonly describe: (name: string, define: () => void) => void;
  start(): Promise<Database>;
  stores(options: StoresOptions): Promise<Stores>;
}

const redisBackend = (name: string): Backend => ({
  name,
  describe: describeWithRedis,
  start: () => RedisServer.start({ persistent: true }),
  async stores({ name: scope, port, subscriberPort = port, timeoutMs }) {
    const made = await Promise.all(
      [port, subscriberPort].map((one) => CLIENTS[name]!.one({ host: '127.0.0.1', port: one })),
    );
    const [client, subscriber] = made.map((one) => one.client);
    return {
      clients: new RedisClientStore({ client: client!, keyPrefix: `${scope}:`, timeoutMs }),
      modes: new RedisModeStore({
        client: client!,
        subscriber: subscriber!,
        key: `${scope}:mode`,
        timeoutMs,
        heartbeatMs: 100,
      }),
      async end() {
        for (const { end } of made) end();
      },
    };
  },
});

const postgresBackend: Backend = {
  name: 'PostgreSQL',
  describe: describeWithPostgres,
  start: () => PostgresServer.start(),
  async stores({ name, port, subscriberPort = port, timeoutMs }) {
    const pool = new pg.Pool({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      database: 'postgres',
      max: subscriberPort === port ? 4 : 1, // with one connection, nobody listens
      connectionTimeoutMillis: timeoutMs,
    });
    return {
      clients: new PostgresClientStore({ pool, table: name, timeoutMs }),
      modes: new PostgresModeStore({ pool, api: name, timeoutMs, heartbeatMs: 100 }),
      end: () => pool.end(),
    };
  },
};

export const BACKENDS: readonly Backend[] = [
  redisBackend('ioredis'),
  redisBackend('node-redis'),
  postgresBackend,
];

/** What a promise settled to, and after how many ms. */
export async function timed<T>(promise: Promise<T>) {
  const began = performance.now();
  const settled = await promise.then(
    (value) => ({ value, error: undefined }),
    (error) => ({ value: undefined, error }),
  );
  return { ...settled, ms: performance.now() - began };
}
