import { afterEach } from '@jest/globals';
import { type RedisClient, redisClientOptions } from '@private.me/xlink/redis';
import { Cluster, Redis } from 'ioredis';
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5';
import { createClient, createClientPool, createCluster } from 'redis';
import {
  createClient as createClient5,
  createClientPool as createClientPool5,
  createCluster as createCluster5,
} from 'redis5';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

interface Listening {
  on(event: 'error', listener: () => void): unknown;
}

/** Ends the client after the test. What it emits as errors is of no interest: the calls reject. */
function ending<T extends Listening>(client: T, end: (client: T) => unknown): T {
  client.on('error', () => {});
  closers.push(() => end(client));
  return client;
}
const disconnect = (client: { disconnect(): unknown }) => client.disconnect();
const destroy = (client: { isOpen: boolean; destroy(): unknown }) => client.isOpen && client.destroy();

/** Begins to connect, and does not wait for it. */
function connecting<T extends { connect(): Promise<unknown> }>(client: T): T {
  client.connect().catch(() => {});
  return client;
}

const host = '127.0.0.1';

/**
 * Clients of one server, each as its package makes it: that they are given without a cast is what the compiler says about
 * the type `RedisClient`. None of them is connected yet.
 */
export const CLIENTS: Readonly<Record<string, (port: number) => RedisClient>> = {
  ioredis: (port) => ending(new Redis({ host, port }), disconnect),
  'ioredis, RESP3': (port) =>
    ending(new Redis({ host, port, protocol: 3, replyMapping: 'resp3' }), disconnect),
  'ioredis, lazily connecting': (port) => ending(new Redis({ host, port, lazyConnect: true }), disconnect),
  'ioredis, lazily connecting, as recommended': (port) =>
    ending(new Redis({ host, port, lazyConnect: true, ...redisClientOptions.ioredis }), disconnect),
  'ioredis, numbers as texts': (port) => ending(new Redis({ host, port, stringNumbers: true }), disconnect),
  'ioredis 5': (port) => ending(new Redis5({ host, port }), disconnect),
  'ioredis 5, lazily connecting': (port) => ending(new Redis5({ host, port, lazyConnect: true }), disconnect),
  'node-redis': (port) => connecting(ending(createClient({ socket: { host, port } }), destroy)),
  'node-redis, RESP2': (port) =>
    connecting(ending(createClient({ socket: { host, port }, RESP: 2 }), destroy)),
  'node-redis, as recommended': (port) =>
    connecting(
      ending(createClient({ url: `redis://${host}:${port}`, ...redisClientOptions.nodeRedis }), destroy),
    ),
  'node-redis 5': (port) => connecting(ending(createClient5({ socket: { host, port } }), destroy)),
};

type Address = { readonly host: string; readonly port: number };

/** The same for clusters. */
export const CLUSTERS: Readonly<Record<string, (nodes: Address[]) => RedisClient>> = {
  ioredis: (nodes) => ending(new Cluster(nodes), disconnect),
  'ioredis, lazily connecting': (nodes) => ending(new Cluster(nodes, { lazyConnect: true }), disconnect),
  'ioredis, as recommended': (nodes) =>
    ending(new Cluster(nodes, redisClientOptions.ioredisCluster), disconnect),
  'ioredis 5': (nodes) => ending(new Cluster5(nodes), disconnect),
  'node-redis': (nodes) => connecting(ending(createCluster({ rootNodes: rootNodes(nodes) }), destroy)),
  'node-redis, as recommended': (nodes) =>
    connecting(
      ending(createCluster({ rootNodes: rootNodes(nodes), defaults: redisClientOptions.nodeRedis }), destroy),
    ),
  'node-redis 5': (nodes) => connecting(ending(createCluster5({ rootNodes: rootNodes(nodes) }), destroy)),
};

const rootNodes = (nodes: Address[]) => nodes.map((socket) => ({ socket }));

/** Closed, not destroyed: `destroy` leaves the timer of its clean-up running, which then throws in whatever test comes next. */
const closePool5 = (pool: ReturnType<typeof createClientPool5>) => pool.close();

/** Pools, which send commands and cannot subscribe. */
export const POOLS: Readonly<Record<string, (port: number) => RedisClient>> = {
  'node-redis': (port) => connecting(ending(createClientPool({ socket: { host, port } }), destroy)),
  'node-redis 5': (port) => connecting(ending(createClientPool5({ socket: { host, port } }), closePool5)),
};
