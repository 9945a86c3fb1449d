import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { type KeyStore, MemoryKeyStore, type StoredEpochs, type WrappingKeyStore } from '@private.me/xlink';
import { FileKeyStore, FileWrappingKeyStore } from '@private.me/xlink/file';
import { PostgresKeyStore, PostgresWrappingKeyStore } from '@private.me/xlink/postgres';
import { RedisKeyStore, RedisWrappingKeyStore } from '@private.me/xlink/redis';
import pg from 'pg';
import { afterTest } from '../support/after-test.js';
import { describeWithPostgres, PostgresServer } from '../support/postgres-server.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CLIENTS } from './redis/trust-registry-clients.js';

// Every store of encryption keys, each with its wrapping keys in another place.

/** An empty place for one test. */
export interface KeyPlace {
  /** Another connection to the same place, as each instance of a service has one. Where only one process may have it, the same one. */
  store(): Promise<KeyStore>;
  /** All bytes of both stores as they are at rest now, and what is written in them; closed by whoever reads a file. */
  bytes(): Promise<Buffer>;
  /** Puts something else in the place of the epochs. */
  damage(): Promise<void>;
}

export interface KeyBackend {
  readonly name: string;
  readonly describe: (name: string, define: () => void) => void;
  /** What the tests of a file share. */
  start(): Promise<{ place(): Promise<KeyPlace>; stop(): Promise<unknown> }>;
}

const anywhere = (name: string, define: () => void): void => describe(name, define);

const memory: KeyBackend = {
  name: 'MemoryKeyStore',
  describe: anywhere,
  async start() {
    return {
      async place() {
        const store = new MemoryKeyStore();
        return {
          store: async () => store,
          async bytes() {
            const ids = await store.wrappingKeys.ids();
            const keys = await Promise.all(ids.map((id) => store.wrappingKeys.get(id)));
            return Buffer.concat([Buffer.from(JSON.stringify(store.load())), ...keys.map((key) => key!)]);
          },
          async damage() {
            const { value, version } = store.load()!;
            const epochs = value.epochs.map((epoch) => ({
              ...epoch,
              sealed: `${epoch.sealed.slice(0, -8)}AAAAAAAA`,
            }));
            store.save({ ...value, epochs }, version);
          },
        };
      },
      stop: async () => {},
    };
  },
};

const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const bytesOf = async (folder: string): Promise<Buffer> =>
  Buffer.concat(await Promise.all((await filesIn(folder)).map((path) => readFile(path))));

const file: KeyBackend = {
  name: 'FileKeyStore',
  describe: anywhere,
  async start() {
    return {
      async place() {
        const folder = await temporaryFolder();
        const path = join(folder, 'keys');
        let store = new FileKeyStore(path);
        afterTest(() => store.close());
        return {
          store: async () => store,
          bytes: () => bytesOf(folder),
          async damage() {
            await store.close();
            const text = await readFile(path, 'latin1');
            await writeFile(path, text.replace('"highest":', '"hIghest":'), 'latin1');
            store = new FileKeyStore(path);
          },
        };
      },
      stop: async () => {},
    };
  },
};

/** Redis that writes what it holds to its disk as it is. */
const redis = (kind: keyof typeof CLIENTS & string): KeyBackend => ({
  name: `RedisKeyStore, ${kind}`,
  describe: describeWithRedis,
  async start() {
    const servers = [await start(), await start()] as const;
    let places = 0;
    return {
      async place() {
        const key = `place-${places++}`;
        const connect = async (server: RedisServer) => {
          const { client, end } = await CLIENTS[kind]!.one({ host: '127.0.0.1', port: server.port });
          afterTest(end);
          return client;
        };
        const onWarning = () => {};
        return {
          async store() {
            const [client, other] = [await connect(servers[0]), await connect(servers[1])];
            const wrappingKeys = new RedisWrappingKeyStore({ client: other, key, onWarning });
            return new RedisKeyStore({ client, key, wrappingKeys, onWarning });
          },
          bytes: async () => Buffer.concat(await Promise.all(servers.map(snapshotOf))),
          async damage() {
            await servers[0].cli('HSET', key, 'epochs', '{"highest":1}');
          },
        };
      },
      stop: () => Promise.all(servers.map((server) => server.stop())),
    };

    function start(): Promise<RedisServer> {
      return RedisServer.start({ args: ['--rdbcompression', 'no', '--hash-max-listpack-value', '64'] });
    }
    async function snapshotOf(server: RedisServer): Promise<Buffer> {
      await server.cli('SAVE');
      const [, folder] = (await server.cli('CONFIG', 'GET', 'dir')).split('\n');
      const path = join(folder!, 'dump.rdb');
      const bytes = await readFile(path);
      await rm(path);
      return bytes;
    }
  },
});

/** With the wrapping keys in PostgreSQL too, or in a file. */
const postgres = (where: 'another database' | 'a file'): KeyBackend => ({
  name: `PostgresKeyStore, wrapping keys in ${where}`,
  describe: describeWithPostgres,
  async start() {
    const server = await PostgresServer.start();
    const owner = new pg.Pool({ ...server.connection, max: 2 });
    await owner.query('CREATE DATABASE elsewhere');
    let places = 0;
    return {
      async place() {
        const table = `place_${places++}`;
        const folder = await temporaryFolder();
        const connect = (database: string) => {
          const pool = new pg.Pool({ ...server.connection, database, max: 2 });
          afterTest(() => pool.end());
          return pool;
        };
        const wrapping = (): WrappingKeyStore =>
          where === 'a file'
            ? new FileWrappingKeyStore(join(folder, 'wrapping-keys'))
            : new PostgresWrappingKeyStore({ pool: connect('elsewhere'), table });
        const dump = async (database: string, what: string) => {
          const pool = connect(database);
          const { rows } = await pool.query(`SELECT each::text AS line FROM ${what} AS each`);
          return Buffer.from(rows.map(({ line }) => line).join('\n'));
        };
        return {
          store: async () =>
            new PostgresKeyStore({ pool: connect('postgres'), table, wrappingKeys: wrapping() }),
          bytes: async () =>
            Buffer.concat([
              await dump('postgres', table),
              where === 'a file' ? await bytesOf(folder) : await dump('elsewhere', table),
            ]),
          async damage() {
            await owner.query(`UPDATE ${table} SET epochs = '{"highest":1}'`);
          },
        };
      },
      async stop() {
        await owner.end();
        await server.stop();
      },
    };
  },
});

export const KEY_BACKENDS: readonly KeyBackend[] = [
  memory,
  file,
  redis('ioredis'),
  redis('node-redis'),
  postgres('another database'),
  postgres('a file'),
];

/** A copy of both stores, taken from outside. */
export interface Copy {
  readonly value: StoredEpochs;
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

export async function copyOf(store: KeyStore): Promise<Copy> {
  const { value } = (await store.load())!;
  const ids = await store.wrappingKeys.ids();
  const keys = await Promise.all(ids.map(async (id) => [id, (await store.wrappingKeys.get(id))!] as const));
  return { value, keys: new Map(keys) };
}

/** A store that holds a copy, for whoever took it. */
export function storeFrom({ value, keys }: Copy): KeyStore {
  const store = new MemoryKeyStore();
  store.save(value, 0);
  for (const [id, key] of keys) store.wrappingKeys.put(id, key);
  return store;
}
