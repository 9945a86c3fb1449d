import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ClientStore,
  HttpTrustRegistry,
  type ManagedTrustRegistry,
  type ModeStore,
  type NonceStore,
  RedisNonceStore,
} from '@private.me/xlink';
import {
  FileClientStore,
  FileModeStore,
  FileNonceStore,
  FileRelayStore,
  FileTrustRegistry,
} from '@private.me/xlink/file';
import { PostgresClientStore, PostgresModeStore, PostgresTrustRegistry } from '@private.me/xlink/postgres';
import {
  type RedisClient,
  RedisClientStore,
  RedisModeStore,
  RedisRelayStore,
  RedisTrustRegistry,
  redisClientOptions,
} from '@private.me/xlink/redis';
import { createRegistryServer, type RelayStore } from '@private.me/xlink/server';
import { Redis } from 'ioredis';
import pg from 'pg';
import { createClient } from 'redis';
import { listen } from '../../support/listen.js';
import { PostgresServer } from '../../support/postgres-server.js';
import { RedisServer } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

export const TIMEOUT_MS = 600;
const TOKEN = 'token-canary-41c7d0ee';

/** The stores of one instance. */
export interface Stores {
  readonly registry?: ManagedTrustRegistry;
  readonly clients?: ClientStore;
  readonly modes?: ModeStore;
  readonly relay?: RelayStore;
  readonly nonces?: NonceStore;
}

/** Where stores are kept, and what can happen to it. */
export interface Place {
  readonly name: string;
  /** The stores of each instance, as they are now. */
  readonly instances: readonly (() => Stores)[];
  /** The network of each instance. */
  readonly ways: readonly TcpProxy[];
  /** Whether clients survive bytes that come twice: ioredis throws where nobody can catch it. */
  readonly mayRepeat: boolean;
  /** Loses what it is not to keep, or its process, and is there again when the promise resolves. */
  readonly losses: Readonly<Record<string, () => Promise<unknown>>>;
  end(): Promise<void>;
}

const quietly = () => {};

/** As the docs have them: without time limits of their own, clients stay at a connection that was silently cut. */
const CLIENTS: readonly ((port: number) => Promise<{ client: RedisClient; end: () => unknown }>)[] = [
  async (port) => {
    const client = new Redis({ port, ...redisClientOptions.ioredis }).on('error', quietly);
    return { client, end: () => client.disconnect() };
  },
  async (port) => {
    const { socket, ...options } = redisClientOptions.nodeRedis;
    const client = createClient({ ...options, socket: { port, ...socket } }).on('error', quietly);
    await client.connect();
    return { client, end: () => client.destroy() };
  },
];

/** A Redis that keeps everything, and one for nonces that keeps nothing; an instance with ioredis, one with node-redis. */
export async function inRedis(): Promise<Place> {
  const [server, forgetful] = await Promise.all([
    RedisServer.start({ persistent: true }),
    RedisServer.start(),
  ]);
  const ways: TcpProxy[] = [];
  const ends: (() => unknown)[] = [];
  const client = async (connect: (typeof CLIENTS)[number], to: RedisServer) => {
    const way = await TcpProxy.start(to.port);
    ways.push(way);
    const made = await connect(way.port);
    ends.push(made.end);
    return made.client;
  };
  const instances = await Promise.all(
    CLIENTS.map(async (connect) => {
      const options = { client: await client(connect, server), timeoutMs: TIMEOUT_MS, onWarning: quietly };
      const stores: Stores = {
        registry: new RedisTrustRegistry(options),
        clients: new RedisClientStore(options),
        modes: new RedisModeStore(options),
        relay: new RedisRelayStore(options),
        nonces: new RedisNonceStore({ client: await client(connect, forgetful), onWarning: quietly }),
      };
      return () => stores;
    }),
  );
  return {
    name: 'Redis',
    instances,
    ways,
    mayRepeat: false,
    losses: {
      'killed and restarted': () => server.restart(),
      'emptied, that of the nonces': () => forgetful.cli('FLUSHALL'),
      'killed and restarted, that of the nonces': () => forgetful.restart(),
    },
    async end() {
      for (const end of ends) end();
      await Promise.all([server.stop(), forgetful.stop()]);
    },
  };
}

export async function inPostgres(): Promise<Place> {
  const server = await PostgresServer.start();
  const ways = await Promise.all([TcpProxy.start(server.port), TcpProxy.start(server.port)]);
  const pools = ways.map(({ port }) =>
    new pg.Pool({ ...server.connection, port, max: 4, connectionTimeoutMillis: TIMEOUT_MS }).on(
      'error',
      quietly,
    ),
  );
  const instances = pools.map((pool) => {
    const options = { pool, timeoutMs: TIMEOUT_MS };
    const stores: Stores = {
      registry: new PostgresTrustRegistry(options),
      clients: new PostgresClientStore(options),
      modes: new PostgresModeStore(options),
    };
    return () => stores;
  });
  return {
    name: 'PostgreSQL',
    instances,
    ways,
    mayRepeat: true,
    losses: { 'killed and restarted': () => server.restart() },
    async end() {
      await Promise.all(pools.map((pool) => pool.end()));
      await server.stop();
    },
  };
}

/** A registry server on a file. */
export async function overHttp(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'xlink-soak-'));
  const registry = new FileTrustRegistry({ path: join(folder, 'registry.jsonl') });
  const handler = createRegistryServer({ registry, adminToken: TOKEN });
  const server = createServer(handler);
  const { port } = await listen(server);
  const ways = await Promise.all([TcpProxy.start(port), TcpProxy.start(port)]);
  const instances = ways.map((way) => {
    const baseUrl = `http://127.0.0.1:${way.port}`;
    const stores = { registry: new HttpTrustRegistry({ baseUrl, authToken: TOKEN, timeoutMs: TIMEOUT_MS }) };
    return () => stores;
  });
  return {
    name: 'HTTP',
    instances,
    ways,
    mayRepeat: true,
    losses: {},
    async end() {
      handler.close();
      server.closeAllConnections();
      await registry.close();
      await rm(folder, { recursive: true, maxRetries: 10 });
    },
  };
}

/** One instance, whose files are closed and opened again. */
export async function inFiles(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'xlink-soak-'));
  const at = (name: string) => ({ path: join(folder, `${name}.jsonl`) });
  const open = async () => {
    const made = {
      registry: new FileTrustRegistry(at('registry')),
      clients: await FileClientStore.open(at('clients').path),
      modes: new FileModeStore(at('mode').path),
      relay: await FileRelayStore.open(at('relay')),
      nonces: await FileNonceStore.open(at('nonces')),
    };
    const close = () => Promise.all(Object.values(made).map((store) => store.close()));
    return { stores: made as Stores, close };
  };
  let opened = await open();
  return {
    name: 'files',
    instances: [() => opened.stores],
    ways: [],
    mayRepeat: false,
    losses: {
      async 'closed and opened again'() {
        await opened.close();
        opened = await open();
      },
    },
    async end() {
      await opened.close();
      await rm(folder, { recursive: true, maxRetries: 10 });
    },
  };
}
