import type { OptionCheck } from '../../util/options.js';

/** What is used of a client or cluster of the package `ioredis`, versions 5 and 6. */
export interface IoRedisClient {
  readonly status: string;
  set(key: string, value: string, px: 'PX', ttlMs: number, nx: 'NX'): Promise<unknown>;
  set(key: string, value: string, nx: 'NX'): Promise<unknown>;
  get(key: string): Promise<unknown>;
  exists(key: string): Promise<unknown>;
  once?(event: 'ready', listener: () => void): unknown;
}

/** What is used of a client, cluster, pool or sentinel of the package `redis`, versions 5 and 6. */
export interface NodeRedisClient {
  readonly isOpen: boolean;
  /** Pools, and clusters of version 5, do not have it. */
  readonly isReady?: boolean;
  set(key: string, value: string, options: NodeRedisSetOptions): Promise<unknown>;
  get(key: string): Promise<unknown>;
  exists(key: string): Promise<unknown>;
  once?(event: 'ready', listener: () => void): unknown;
}

/** The same twice, in the words of older and newer versions: one that knew neither would overwrite what is there. */
export type NodeRedisSetOptions = { readonly condition: 'NX'; readonly NX: true } & (
  | { readonly expiration: { readonly type: 'PX'; readonly value: number }; readonly PX: number }
  | { readonly expiration?: never; readonly PX?: never }
);

/** A connected client of `ioredis` or of `redis`, standalone or cluster. */
export type RedisClient = IoRedisClient | NodeRedisClient;

/** The commands that a nonce store needs. Each names one key, so that any node of a cluster can be asked. */
export interface RedisCommands {
  /** Whether a command would be sent now. If not, the client would queue it, and carry it out whenever Redis is back. */
  ready(): boolean;
  /** Calls the listener once the client is connected: now, if it is, or never, if the client does not say. */
  onceConnected(listener: () => void): void;
  /** `SET key value NX`, for so many ms if they are given: `OK` if the key was not there, else `null`. */
  setIfAbsent(key: string, value: string, ttlMs?: number): Promise<unknown>;
  /** `null` if it is not there. */
  get(key: string): Promise<unknown>;
  /** 1 or 0. */
  exists(key: string): Promise<unknown>;
  /**
   * Commands that Redis carries out in this order where their keys are of one slot: without waiting in between, on one
   * connection, or each after the answer to the one before, where the client has several. Resolves to the answers.
   */
  inOrder(...commands: readonly (() => Promise<unknown>)[]): Promise<unknown[]>;
}

const has = (value: unknown, members: Readonly<Record<string, string>>): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(members).every(([name, type]) => typeof (value as Record<string, unknown>)[name] === type);

const COMMANDS = { set: 'function', get: 'function', exists: 'function' };
const isIoRedis = (client: unknown): client is IoRedisClient =>
  has(client, { ...COMMANDS, status: 'string' });
const isNodeRedis = (client: unknown): client is NodeRedisClient =>
  has(client, { ...COMMANDS, isOpen: 'boolean' });

export const isRedisClient: OptionCheck = (value) =>
  isIoRedis(value) || isNodeRedis(value)
    ? undefined
    : 'a client or cluster of the package ioredis (5 or later) or redis (5 or later)';

/** Speaks to either client. A command that a client of `redis` could not send within `timeoutMs` is dropped. */
export const redisCommands = (client: RedisClient, timeoutMs: number): RedisCommands =>
  isIoRedis(client) ? ioRedisCommands(client) : nodeRedisCommands(client, timeoutMs);

const ioRedisCommands = (client: IoRedisClient): RedisCommands => ({
  // `wait`: made with lazyConnect, and connects at its first command.
  ready: () => client.status === 'ready' || client.status === 'wait',
  onceConnected: (listener) => {
    if (client.status === 'ready') listener();
    else client.once?.('ready', listener);
  },
  setIfAbsent: (key, value, ttlMs) =>
    ttlMs === undefined ? client.set(key, value, 'NX') : client.set(key, value, 'PX', ttlMs, 'NX'),
  get: (key) => client.get(key),
  exists: (key) => client.exists(key),
  inOrder: atOnce,
});

function nodeRedisCommands(client: NodeRedisClient, timeoutMs: number): RedisCommands {
  const { withCommandOptions } = client as { withCommandOptions?: (options: object) => NodeRedisClient };
  // A cluster is ready while one of its nodes is not, and queues what is for that node.
  const impatient = withCommandOptions?.call(client, { timeout: timeoutMs }) ?? client;
  const isReady = () => client.isReady ?? client.isOpen;
  return {
    ready: isReady,
    onceConnected: (listener) => {
      if (isReady()) listener();
      else client.once?.('ready', listener);
    },
    setIfAbsent: (key, value, ttlMs) =>
      impatient.set(
        key,
        value,
        ttlMs === undefined
          ? { condition: 'NX', NX: true }
          : { expiration: { type: 'PX', value: ttlMs }, PX: ttlMs, condition: 'NX', NX: true },
      ),
    get: (key) => impatient.get(key),
    exists: (key) => impatient.exists(key),
    inOrder: hasConnections(client) ? inTurn : atOnce,
  };
}

/** A pool or a sentinel: two commands may go over two connections. */
const hasConnections = (client: object): boolean => 'execute' in client || 'use' in client;

/** A client that throws rejects, so that no other command is left alone with its rejection. */
const atOnce: RedisCommands['inOrder'] = (...commands) =>
  Promise.all(commands.map(async (command) => command()));

const inTurn: RedisCommands['inOrder'] = async (...commands) => {
  const replies: unknown[] = [];
  for (const command of commands) replies.push(await command());
  return replies;
};
