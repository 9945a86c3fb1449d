import { stat } from 'node:fs/promises';
import {
  FileClientStore,
  FileModeStore,
  FileOperationsStore,
  FileTrustRegistry,
} from '@private.me/xlink/file';
import {
  PostgresClientStore,
  PostgresModeStore,
  PostgresOperationsStore,
  PostgresTrustRegistry,
} from '@private.me/xlink/postgres';
import {
  RedisClientStore,
  RedisModeStore,
  RedisOperationsStore,
  RedisTrustRegistry,
  redisClientOptions,
} from '@private.me/xlink/redis';
import { UsageError } from './run.js';

/** A store, and how to let go of it. */
export interface Opened {
  readonly store: unknown;
  close(): Promise<void>;
}

/** A big store is read at once: it may take longer than for a request. */
const timeoutMs = 60_000;

/** Whether it is the address of a store, and not of a registry server. */
export const isPlace = (text: string): boolean => /^(file|postgres(ql)?|rediss?):/.test(text);

/**
 * Opens the store of a part at a place such as `file:./registry.jsonl` or `redis://127.0.0.1:6379#prefix:`. `isRead`: a file that is not there is
 * an error, and is not made.
 */
export async function openStore(part: string, place: string, { isRead = false } = {}): Promise<Opened> {
  if (place.startsWith('file:')) {
    const path = place.slice('file:'.length);
    if (isRead) await assertFile(path);
    return openFile(part, path);
  }
  const [url = '', name] = place.split('#');
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres(part, url, name);
  if (/^rediss?:\/\//.test(url)) return openRedis(part, url, name);
  throw new UsageError('a store is file:PATH, postgres://… or redis://…');
}

async function assertFile(path: string): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new Error(`file:${path} cannot be read`, { cause });
  });
  if (!found.isFile())
    throw new Error(
      `file:${path} is no file; openFileState('state') has state/registry.jsonl, state/clients.jsonl, state/mode.jsonl and state/operations.jsonl`,
    );
}

async function openFile(part: string, path: string): Promise<Opened> {
  const closing = <T extends { close(): unknown }>(store: T): Opened => ({
    store,
    close: async () => void (await store.close()),
  });
  if (part === 'registry') return closing(new FileTrustRegistry({ path }));
  if (part === 'clients') return closing(await FileClientStore.open(path));
  return closing(part === 'mode' ? new FileModeStore(path) : new FileOperationsStore(path));
}

async function openPostgres(
  part: string,
  connectionString: string,
  name: string | undefined,
): Promise<Opened> {
  const pg = await optional(() => import('pg'), 'pg');
  const pool = new pg.default.Pool({ connectionString, max: 2 });
  const options = { pool, timeoutMs, ...(name === undefined ? {} : { table: name }) };
  const stores: Record<string, () => unknown> = {
    registry: () => new PostgresTrustRegistry(options),
    clients: () => new PostgresClientStore(options),
    mode: () => new PostgresModeStore(options),
    operations: () => new PostgresOperationsStore(options),
  };
  return { store: stores[part]!(), close: () => pool.end() };
}

async function openRedis(part: string, url: string, name: string | undefined): Promise<Opened> {
  const { Redis } = await optional(() => import('ioredis'), 'ioredis');
  const password = process.env['REDIS_PASSWORD'];
  const client = new Redis(url, {
    ...redisClientOptions.ioredis,
    lazyConnect: true,
    ...(password ? { password } : {}),
  });
  client.on('error', () => {}); // calls reject
  await client.connect().catch((error: unknown) => {
    client.disconnect(); // it would go on trying
    throw error;
  });
  const prefix = name === undefined ? {} : { keyPrefix: name };
  const options = { client, timeoutMs };
  const stores: Record<string, () => unknown> = {
    registry: () => new RedisTrustRegistry({ ...options, ...prefix }),
    clients: () => new RedisClientStore({ ...options, ...prefix }),
    mode: () => new RedisModeStore({ ...options, ...(name === undefined ? {} : { key: name }) }),
    operations: () => new RedisOperationsStore({ ...options, ...prefix }),
  };
  return { store: stores[part]!(), close: async () => client.disconnect() };
}

/** A package that is installed only by who needs it. Throws an error that says how. */
export async function optional<T>(load: () => Promise<T>, name: string): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new Error(`install ${name} for that: npm install ${name}`, { cause });
  }
}
