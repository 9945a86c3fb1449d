// Redis clients are told apart by what they can do: neither package is imported, so neither has to be installed.

// biome-ignore lint/suspicious/noExplicitAny: the packages' own types are generic beyond what can be matched
type Arguments = any[];
// biome-ignore lint/suspicious/noExplicitAny: replies are checked where they are used
type Reply = Promise<any>;
// biome-ignore lint/suspicious/noExplicitAny: as EventEmitter has it
type Listener = (...args: any[]) => void;

/** The part of an `ioredis` client that is used here. */
export interface IoredisClient {
  readonly status: string;
  call(command: string, ...args: string[]): Reply;
  duplicate(...args: Arguments): IoredisClient;
  connect(...args: Arguments): Reply;
  disconnect(...args: Arguments): void;
  subscribe(...args: Arguments): Reply;
  on(event: string, listener: Listener): unknown;
  /** Its socket, once it is connected. */
  readonly stream?: { unref?(): unknown };
}

/** The part of an `ioredis` cluster that is used here. */
export interface IoredisCluster {
  readonly status: string;
  readonly isCluster: boolean;
  call(command: string, ...args: string[]): Reply;
  nodes(role?: 'master'): IoredisClient[];
}

/** The part of a `redis` (node-redis) client that is used here. */
export interface NodeRedisClient {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  readonly options?: { readonly socket?: object } | undefined;
  duplicate(...args: Arguments): NodeRedisClient;
  connect(...args: Arguments): Reply;
  destroy(): void;
  ping(...args: Arguments): Reply;
  publish(...args: Arguments): Reply;
  scan(...args: Arguments): Reply;
  subscribe(...args: Arguments): Reply;
  xAdd(...args: Arguments): Reply;
  xRevRange(...args: Arguments): Reply;
  withCommandOptions(options: object): NodeRedisClient;
  unref(): void;
  on(event: string, listener: Listener): unknown;
}

/** The part of a `redis` (node-redis) cluster that is used here. */
export interface NodeRedisCluster {
  readonly isOpen: boolean;
  /** Version 5 does not have it. */
  readonly isReady?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: opaque, goes back to nodeClient
  readonly masters: readonly any[];
  // biome-ignore lint/suspicious/noExplicitAny: opaque, see masters
  nodeClient(node: any): NodeRedisClient | Promise<NodeRedisClient>;
  publish(...args: Arguments): Reply;
  xAdd(...args: Arguments): Reply;
  xRevRange(...args: Arguments): Reply;
  withCommandOptions(options: object): NodeRedisCluster;
}

/** A client or cluster of `ioredis` (5 or later) or `redis` (node-redis, 5 or later). */
export type RedisClient = IoredisClient | IoredisCluster | NodeRedisClient | NodeRedisCluster;

const has = (value: object, ...methods: readonly string[]): boolean =>
  methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

export const isIoredis = (client: unknown): client is IoredisClient | IoredisCluster =>
  isObject(client) && typeof client['status'] === 'string' && has(client, 'call', 'duplicate', 'disconnect');

export const isIoredisCluster = (client: unknown): client is IoredisCluster =>
  isIoredis(client) && 'isCluster' in client && client.isCluster && has(client, 'nodes');

export const isNodeRedis = (client: unknown): client is NodeRedisClient | NodeRedisCluster =>
  isObject(client) && has(client, 'xAdd', 'publish', 'duplicate', 'destroy');

export const isNodeRedisCluster = (client: unknown): client is NodeRedisCluster =>
  isNodeRedis(client) && 'masters' in client && has(client, 'nodeClient');

/**
 * Whether a command would be sent now. Otherwise the client would keep it, and send it whenever it is connected again.
 * An ioredis client made with `lazyConnect` waits for its first command to connect.
 */
export function isReady(client: RedisClient): boolean {
  if ('status' in client) return client.status === 'ready' || client.status === 'wait';
  return client.isReady ?? client.isOpen;
}
