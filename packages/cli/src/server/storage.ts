import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Identity,
  identityFromFile,
  type LimitStore,
  type ManagedTrustRegistry,
  MemoryLimitStore,
  type ModeStore,
  type NonceStore,
  type OperationsStore,
} from '@private.me/xlink';
import { AuditLog } from '@private.me/xlink/audit';
import {
  FileModeStore,
  FileNonceStore,
  FileOperationsStore,
  FileRelayStore,
  FileStoreError,
  FileTrustRegistry,
} from '@private.me/xlink/file';
import {
  PostgresAuditLog,
  PostgresModeStore,
  PostgresNonceStore,
  PostgresOperationsStore,
  PostgresTrustRegistry,
} from '@private.me/xlink/postgres';
import {
  RedisLimitStore,
  RedisModeStore,
  RedisNonceStore,
  RedisOperationsStore,
  RedisRelayStore,
  RedisTrustRegistry,
  redisClientOptions,
} from '@private.me/xlink/redis';
import type { RelayStore } from '@private.me/xlink/server';
import { assertData } from '../local/data-folder.js';
import { makePlace } from '../local/secret-file.js';
import { optional } from '../open-store.js';
import type { Output } from '../run.js';

/** An audit log, in files or in PostgreSQL. */
export type ServerAudit = Pick<AuditLog, 'append' | 'origin' | 'entries' | 'checkpoint' | 'close'> & {
  readonly status: { readonly size: number };
};

/** All that the server keeps, wherever that is. */
export interface Storage {
  readonly identity: Identity;
  readonly registry: ManagedTrustRegistry;
  readonly nonceStore: NonceStore;
  readonly documents: OperationsStore;
  readonly modes: ModeStore;
  readonly limits: LimitStore;
  /** Absent with PostgreSQL, which keeps no messages. */
  readonly relay: RelayStore | undefined;
  readonly audit: ServerAudit;
  /** Whether several servers may share it. */
  readonly isShared: boolean;
  close(): Promise<void>;
}

/** Where {@link openStorage} finds it. */
export interface StorageOptions {
  /** Folder: the identity, the audit log but with PostgreSQL, and, unless said otherwise, everything else. */
  readonly data: string;
  /** `postgres://…` or `redis://…`; default: files in the folder. */
  readonly store?: string | undefined;
  /** File of the identity. Default: `identity.pkcs8` in the folder. */
  readonly identityFile?: string | undefined;
  /** Refuses to begin anew: for a folder that must be there already. Default `false`. */
  readonly mustExist?: boolean;
}

type Shared = Omit<Storage, 'identity' | 'audit'> & {
  /** Absent: the audit log is in files of this server. */
  readonly openAudit?: (identity: Identity) => Promise<ServerAudit>;
};

/** How long another server that is about to end is waited for, in ms. */
const LOCK_WAIT_MS = 10_000;

/** Opens all. Rejects with what an operator can do; nothing stays open then. */
export async function openStorage(options: StorageOptions, output: Output): Promise<Storage> {
  const { data, store } = options;
  const identityFile = options.identityFile ?? join(data, 'identity.pkcs8');
  await assertWhole(options, identityFile);
  await makePlace(data);
  await assertData(data, identityFile);
  const { openAudit, ...shared } = await openShared(data, store, output);
  try {
    const identity = await identityFromFile(identityFile);
    const audit = await (openAudit ?? filesOf(data, output))(identity);
    const close = async () => {
      await audit.close();
      await shared.close();
    };
    return { ...shared, identity, audit, close };
  } catch (error) {
    await shared.close().catch(() => {}); // the first failure is the one to tell
    throw error;
  }
}

/** A new identity beside old data, or in the place of a disk that is not mounted, would be another server. */
async function assertWhole({ data, mustExist = false }: StorageOptions, identityFile: string): Promise<void> {
  if (existsSync(identityFile)) return;
  const kept = (await readdir(data).catch(() => [])).filter((name) => /\.jsonl$|^audit$/.test(name));
  if (kept.length > 0)
    throw new Error(
      `${data} has ${kept[0]} but ${identityFile} is not there: restore it from a backup; without it the data is of no use`,
    );
  if (mustExist)
    throw new Error(
      `there is no ${identityFile}: the data folder is lost or not mounted; restore it, or leave --existing out to begin anew`,
    );
}

const filesOf =
  (data: string, output: Output) =>
  (identity: Identity): Promise<ServerAudit> =>
    AuditLog.open({
      folder: join(data, 'audit'),
      identity,
      organization: identity,
      onRepair: repaired(output),
    });

const repaired =
  ({ err }: Output) =>
  ({ path, bytes }: { readonly path: string; readonly bytes: number }) =>
    err(`cut ${bytes} unfinished bytes off the end of ${path}`);

function openShared(data: string, store: string | undefined, output: Output): Promise<Shared> {
  if (store === undefined) return openFiles(data, output);
  return store.startsWith('redis') ? openRedis(store) : openPostgres(store, output);
}

async function openFiles(data: string, output: Output): Promise<Shared> {
  const path = (name: string) => join(data, name);
  const onRepair = repaired(output);
  const opened: { close(): unknown }[] = [];
  const keep = <T extends { close(): unknown }>(store: T): T => {
    opened.push(store);
    return store;
  };
  const close = async () => {
    for (const each of opened.reverse()) await each.close();
  };
  try {
    const documents = keep(await openDocuments(path('server.jsonl'), output));
    const nonceStore = keep(
      await FileNonceStore.open({ path: path('nonces.jsonl'), coldStart: 'accept', onRepair }),
    );
    const registry = keep(new FileTrustRegistry({ path: path('registry.jsonl') }));
    const modes = keep(new FileModeStore(path('mode.jsonl')));
    const relay = keep(await FileRelayStore.open({ path: path('messages.jsonl'), onRepair }));
    await registry.list();
    await modes.load();
    const limits = new MemoryLimitStore();
    return { documents, nonceStore, registry, modes, relay, limits, isShared: false, close };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}

/** The first file that is opened: whoever has it has the others. Says which process that is, and waits for it. */
async function openDocuments(path: string, output: Output): Promise<FileOperationsStore> {
  const open = async (lockWaitMs: number) => {
    const store = new FileOperationsStore(path, { lockWaitMs, onRepair: repaired(output) });
    try {
      await store.list('access');
      return store;
    } catch (error) {
      await store.close().catch(() => {});
      throw error;
    }
  };
  try {
    return await open(0);
  } catch (error) {
    const cause = error instanceof FileStoreError ? error : ((error as Error).cause as FileStoreError);
    if (cause?.code !== 'ELOCKED') throw error;
    output.err(`${cause.message}; waiting for ${LOCK_WAIT_MS / 1000} s`);
    return open(LOCK_WAIT_MS);
  }
}

async function openPostgres(connectionString: string, output: Output): Promise<Shared> {
  const pg = await optional(() => import('pg'), 'pg');
  const pool = new pg.default.Pool({
    connectionString,
    max: 10,
    connectionTimeoutMillis: 2000,
    keepAlive: true,
  });
  pool.on('error', () => {}); // calls reject
  const registry = new PostgresTrustRegistry({ pool });
  const documents = new PostgresOperationsStore({ pool, table: 'xlink_server', timeoutMs: 5000 });
  try {
    await documents.list('access');
  } catch (error) {
    await pool.end().catch(() => {});
    throw error;
  }
  return {
    registry,
    documents,
    nonceStore: new PostgresNonceStore({ pool, table: 'xlink_server_nonces' }),
    modes: new PostgresModeStore({ pool, table: 'xlink_server_mode' }),
    limits: new MemoryLimitStore(),
    relay: undefined,
    openAudit: async (identity) =>
      closing(
        await PostgresAuditLog.open({ pool, identity, organization: identity, table: 'xlink_server_audit' }),
        output,
      ),
    isShared: true,
    close: async () => {
      await registry.close();
      await pool.end();
    },
  };
}

/** What was acknowledged is in the database: where that is away at the end, only the last checkpoint is not signed, which the next start makes up for. */
const closing = (log: PostgresAuditLog, { err }: Output): ServerAudit => ({
  origin: log.origin,
  append: (entry) => log.append(entry) as Promise<number>,
  entries: (selection) => log.entries(selection),
  checkpoint: () => log.checkpoint(),
  get status() {
    return log.status;
  },
  close: () =>
    log.close().catch(() => err('the last checkpoint of the audit log was not signed: the database is away')),
});

async function openRedis(url: string): Promise<Shared> {
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
  const registry = new RedisTrustRegistry({ client });
  return {
    registry,
    documents: new RedisOperationsStore({ client, keyPrefix: 'xlink:server:' }),
    nonceStore: new RedisNonceStore({ client, keyPrefix: 'xlink:server:nonce:' }),
    modes: new RedisModeStore({ client, key: 'xlink:server:mode' }),
    limits: new RedisLimitStore({ client, keyPrefix: 'xlink:server:limit:' }),
    relay: new RedisRelayStore({ client }),
    isShared: true,
    close: async () => {
      await registry.close();
      client.disconnect();
    },
  };
}
