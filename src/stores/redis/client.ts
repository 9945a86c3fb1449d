import type { OptionCheck } from '../../util/options.js';

// Redis clients are told apart by what they can do: neither package is imported, so neither has to be installed.

// biome-ignore lint/suspicious/noExplicitAny: the packages' own types are generic beyond what can be matched
type Any = any;
type Reply = Promise<Any>;
type Method<T = Any> = (...args: Any[]) => T;

/** What is used of a client or cluster of `ioredis`. */
interface Ioredis {
  readonly status: string;
  call(command: string, ...args: string[]): Reply;
  multi(...args: Any[]): Any;
  connect(...args: Any[]): Reply;
  on(event: string, listener: Method): unknown;
}

/** What is used of an `ioredis` client. */
export interface IoredisClient extends Ioredis {
  readonly options?: object;
  duplicate(...args: Any[]): IoredisClient;
  disconnect(...args: Any[]): void;
  subscribe(...args: Any[]): Reply;
  /** Its socket, once it is connected. */
  readonly stream?: { unref?(): unknown };
}

/** What is used of an `ioredis` cluster. */
export interface IoredisCluster extends Ioredis {
  readonly isCluster: boolean;
  readonly options?: object;
  nodes(role?: 'master'): IoredisClient[];
}

/** What is used of a client, cluster, pool or sentinel of `redis` (node-redis). */
interface NodeRedis {
  readonly isOpen: boolean;
  /** Pools, and clusters of version 5, do not have it. */
  readonly isReady?: boolean;
  /** Version 6: put before each key by the methods that know which arguments are keys; `sendCommand` does not. */
  readonly _keyPrefix?: unknown;
  sendCommand(...args: Any[]): Reply;
  multi(...args: Any[]): Any;
  withCommandOptions(options: object): Any;
  on(event: string, listener: Method): unknown;
}

/** What is used of a `redis` (node-redis) client. */
export interface NodeRedisClient extends NodeRedis {
  readonly options?: { readonly socket?: object } | undefined;
  duplicate(...args: Any[]): NodeRedisClient;
  connect(...args: Any[]): Reply;
  destroy(): void;
  ping(...args: Any[]): Reply;
  subscribe(...args: Any[]): Reply;
  unref(): void;
}

/** What is used of a `redis` (node-redis) cluster. */
export interface NodeRedisCluster extends NodeRedis {
  readonly masters: readonly Any[];
  nodeClient(node: Any): NodeRedisClient | Promise<NodeRedisClient>;
}

/** A pool of `redis` (node-redis): it sends commands, and cannot subscribe. */
export interface NodeRedisPool extends NodeRedis {
  execute: Method;
}

/** A sentinel client of `redis` (node-redis): it sends commands, and is not subscribed with here. */
export interface NodeRedisSentinel extends NodeRedis {
  use: Method;
}

/** A client or cluster of `ioredis`, or a client, cluster, pool or sentinel of `redis` (node-redis), each version 5 or later. */
export type RedisClient =
  | IoredisClient
  | IoredisCluster
  | NodeRedisClient
  | NodeRedisCluster
  | NodeRedisPool
  | NodeRedisSentinel;

const has = (value: unknown, type: string, ...names: readonly string[]): boolean =>
  typeof value === 'object' &&
  value !== null &&
  names.every((name) => typeof (value as Record<string, unknown>)[name] === type);

export const isIoredis = (client: unknown): client is IoredisClient | IoredisCluster =>
  has(client, 'string', 'status') && has(client, 'function', 'call', 'multi', 'connect', 'on');

export const isIoredisCluster = (client: unknown): client is IoredisCluster =>
  isIoredis(client) && 'isCluster' in client && client.isCluster && has(client, 'function', 'nodes');

const isNodeRedis = (client: unknown): client is NodeRedis =>
  has(client, 'boolean', 'isOpen') && has(client, 'function', 'sendCommand', 'withCommandOptions', 'on');

export const isNodeRedisCluster = (client: unknown): client is NodeRedisCluster =>
  isNodeRedis(client) && 'masters' in client && has(client, 'function', 'nodeClient');

export const isNodeRedisSentinel = (client: unknown): client is NodeRedisSentinel =>
  isNodeRedis(client) && has(client, 'function', 'use');

const isNodeRedisPool = (client: unknown): client is NodeRedisPool =>
  isNodeRedis(client) && has(client, 'function', 'execute');

export const isCluster = (client: RedisClient): client is IoredisCluster | NodeRedisCluster =>
  isIoredisCluster(client) || isNodeRedisCluster(client);

/** Whether all its commands go over one connection, which answers them in the order in which they were sent. */
export const hasOneConnection = (client: RedisClient): client is IoredisClient | NodeRedisClient =>
  !isCluster(client) && !hasPool(client);

/** Whether even commands of one key may go over several connections. */
export const hasPool = (client: RedisClient): client is NodeRedisPool | NodeRedisSentinel =>
  isNodeRedisPool(client) || isNodeRedisSentinel(client);

export const isRedisClient: OptionCheck = (value) =>
  isIoredis(value) || isNodeRedis(value)
    ? undefined
    : 'a client or cluster of ioredis or redis (node-redis), version 5 or later';

export const isRedisSubscriber: OptionCheck = (value) =>
  isRedisClient(value) ??
  (hasPool(value as RedisClient)
    ? 'a client or cluster, as a pool or sentinel cannot be subscribed with'
    : undefined);
