import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  HttpTrustRegistry,
  type HttpTrustRegistryOptions,
  type ManagedTrustRegistry,
  MemoryTrustRegistry,
} from '@private.me/xlink';
import { FileTrustRegistry } from '@private.me/xlink/file';
import { PostgresTrustRegistry } from '@private.me/xlink/postgres';
import { RedisTrustRegistry } from '@private.me/xlink/redis';
import { createEnterpriseTrustRegistry, createRegistryServer } from '@private.me/xlink/server';
import pg from 'pg';
import { CLIENTS } from '../stores/redis/trust-registry-clients.js';
import type { PostgresServer } from '../support/postgres-server.js';
import type { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** A place for the entries of one test, which several instances of an API share. */
export interface Ground {
  /** The registry of one instance, with connections of its own where it has any. */
  open(): Promise<ManagedTrustRegistry>;
  /** The network that changes are heard over, and nothing else. Absent: they are heard within the process. */
  readonly feed?: TcpProxy;
  /** After the registries were closed. */
  end(): unknown;
}

const TOKEN = 'token-canary-2b8e61f0';
let runs = 0;

export async function inMemory(): Promise<Ground> {
  const registry = new MemoryTrustRegistry();
  return { open: async () => registry, end() {} };
}

export async function inFile(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'xlink-revocation-'));
  const registry = new FileTrustRegistry({ path: join(folder, 'registry.jsonl') });
  return { open: async () => registry, end: () => rm(folder, { recursive: true, maxRetries: 10 }) };
}

export const inRedis =
  (name: keyof typeof CLIENTS, server: () => RedisServer) => async (): Promise<Ground> => {
    const feed = await TcpProxy.start(server().port);
    const keyPrefix = `revocation-${runs++}:`;
    const ends: (() => void)[] = [() => void feed.close()];
    return {
      feed,
      async open() {
        const { one } = CLIENTS[name]!;
        const [main, own] = [
          await one({ host: '127.0.0.1', port: server().port }),
          await one({ host: '127.0.0.1', port: feed.port }),
        ];
        ends.push(main.end, own.end);
        return new RedisTrustRegistry({
          client: main.client,
          subscriber: own.client,
          keyPrefix,
          onWarning() {},
        });
      },
      end: () => ends.map((end) => end()),
    };
  };

export const inPostgres = (server: () => PostgresServer) => async (): Promise<Ground> => {
  const feed = await TcpProxy.start(server().port);
  const table = `revocation_${runs++}`;
  const pools: pg.Pool[] = [];
  const poolAt = (port: number) => {
    const pool = new pg.Pool({ ...server().connection, port, max: 2, connectionTimeoutMillis: 1000 });
    pool.on('error', () => {});
    pools.push(pool);
    return pool;
  };
  return {
    feed,
    open: async () =>
      new PostgresTrustRegistry({ pool: poolAt(server().port), subscriber: poolAt(feed.port), table }),
    async end() {
      await feed.close();
      await Promise.all(pools.map((pool) => pool.end()));
    },
  };
};

/** A registry server, and a way for each instance to it on which requests for changes go over another network. */
async function central() {
  const handler = createRegistryServer({ registry: new MemoryTrustRegistry(), adminToken: TOKEN });
  const server = createServer(handler).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const feed = await TcpProxy.start(port);
  const http: HttpTrustRegistryOptions = {
    baseUrl: `http://127.0.0.1:${port}`,
    authToken: TOKEN,
    fetch: (url, init) =>
      fetch(String(url).replace(`:${port}/registry/changes`, `:${feed.port}/registry/changes`), init),
  };
  const end = async () => {
    handler.close();
    await feed.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { http, feed, end };
}

export async function overHttp(): Promise<Ground> {
  const { http, feed, end } = await central();
  return { feed, open: async () => new HttpTrustRegistry(http), end };
}

export async function overHttpWithFile(): Promise<Ground> {
  const { http, feed, end } = await central();
  const folder = await mkdtemp(join(tmpdir(), 'xlink-revocation-'));
  let instances = 0;
  return {
    feed,
    open: async () =>
      createEnterpriseTrustRegistry({ http, file: { path: join(folder, `${instances++}.jsonl`) } }),
    async end() {
      await end();
      await rm(folder, { recursive: true, maxRetries: 10 });
    },
  };
}
