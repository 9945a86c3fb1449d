import type { OptionCheck } from '../../util/options.js';
import {
  type IoredisClient,
  isIoredis,
  isIoredisCluster,
  isNodeRedisCluster,
  isNodeRedisSentinel,
  type NodeRedisClient,
  type RedisClient,
} from './client.js';

/**
 * What each store sends, scripts included: an account needs that, `+info`, and what its client sends to connect
 * (`+@connection`; in a cluster `+cluster`).
 */
export const STORE_COMMANDS = {
  RedisNonceStore: ['EVAL', 'EXISTS', 'GET', 'SET', 'TIME'],
  RedisSequenceStore: ['EVAL', 'GET', 'PEXPIRE', 'SET', 'SETBIT', 'TIME'],
  RedisLeafStore: ['EXEC', 'HDEL', 'HMGET', 'HSET', 'MULTI', 'PEXPIRE'],
  RedisTicketKeyStore: ['EVAL', 'GET', 'SET'],
  // biome-ignore format: one line
  RedisClientStore: ['DEL', 'EXEC', 'GET', 'GETDEL', 'MULTI', 'PEXPIRE', 'RENAME', 'SADD', 'SET', 'SSCAN', 'ZADD', 'ZDIFFSTORE', 'ZINCRBY', 'ZMSCORE', 'ZRANGE', 'ZREM', 'ZUNIONSTORE'],
  RedisKeyStore: ['EVAL', 'HGET', 'HMGET', 'HSET'],
  RedisWrappingKeyStore: ['HDEL', 'HGET', 'HKEYS', 'HSET'],
  RedisModeStore: ['PUBLISH', 'SUBSCRIBE', 'XADD', 'XREVRANGE'],
  RedisLimitStore: ['EVAL', 'INCR', 'PEXPIRE', 'PTTL'],
  RedisOperationsStore: ['EVAL', 'HDEL', 'HGET', 'HGETALL', 'HSET'],
  RedisTrustRegistry: ['PUBLISH', 'SCAN', 'SUBSCRIBE', 'XADD', 'XREVRANGE'],
  // biome-ignore format: one line
  RedisRelayStore: ['EVAL', 'PEXPIRE', 'PTTL', 'TIME', 'XADD', 'XDEL', 'XLEN', 'XRANGE', 'XTRIM', 'ZADD', 'ZCARD', 'ZREM', 'ZREMRANGEBYSCORE', 'ZSCORE'],
} as const;

export type RedisStore = keyof typeof STORE_COMMANDS;

/** A command of a store, or `INFO`, and its arguments. */
export type RedisCommand<S extends RedisStore = RedisStore> = readonly [
  name: (typeof STORE_COMMANDS)[S][number] | 'INFO',
  ...args: string[],
];

/** A key, or what stands before one. Spaces and braces would change what a cluster makes of it. */
export const isRedisKey: OptionCheck = (value) =>
  typeof value === 'string' && /^[^\s{}]{1,128}$/.test(value)
    ? undefined
    : 'a string of 1-128 characters without spaces and braces';

/** Commands as any client takes them. `key` decides the node of a cluster. */
export interface RedisCommands {
  /** What the client puts before every key by itself, but not if it is given a whole command. */
  readonly keyPrefix: string;
  call(key: string, command: RedisCommand): Promise<unknown>;
  /** The answers to all of them, one after the other and nothing in between (MULTI, EXEC). Rejects if any of them failed. */
  transaction(key: string, commands: readonly RedisCommand[]): Promise<unknown[]>;
  /** Each server that holds keys of its own, for SCAN and INFO. */
  servers(): Promise<readonly ((command: RedisCommand) => Promise<unknown>)[]>;
}

/** A command that a client of node-redis could not send within `timeoutMs` is dropped: a node of its cluster may be away. */
export const redisCommands = (client: RedisClient, timeoutMs: number): RedisCommands =>
  isIoredis(client) ? ioredisCommands(client) : nodeRedisCommands(client, timeoutMs);

const ioredisCommands = (client: Extract<RedisClient, { status: string }>): RedisCommands => ({
  keyPrefix: '',
  call: (_, command) => client.call(...command),
  async transaction(_, commands) {
    const calls = commands.map((command) => ['call', ...command]);
    // One [error, reply] for each command.
    const replies = (await client.multi(calls).exec()) as [Error | null, unknown][] | null;
    if (!replies) throw new Error('Redis dropped the transaction.');
    for (const [error] of replies) if (error) throw error;
    return replies.map(([, reply]) => reply);
  },
  async servers() {
    const nodes = isIoredisCluster(client) ? client.nodes('master') : [client as IoredisClient];
    return nodes.map((node) => (command) => node.call(...command));
  },
});

function nodeRedisCommands(
  client: Exclude<RedisClient, { status: string }>,
  timeoutMs: number,
): RedisCommands {
  const impatient = client.withCommandOptions({ timeout: timeoutMs });
  // What stands before a command. Never read-only: a replica learns late what has changed.
  const routeOf = (key: string) =>
    isNodeRedisCluster(client) ? [key, false] : isNodeRedisSentinel(client) ? [false] : [];
  return {
    keyPrefix: client._keyPrefix === undefined ? '' : String(client._keyPrefix),
    call: (key, command) => impatient.sendCommand(...routeOf(key), command),
    async transaction(key, commands) {
      const multi = isNodeRedisCluster(client) ? impatient.multi(key) : impatient.multi();
      for (const command of commands) multi.addCommand(...routeOf(key), command);
      return multi.exec();
    },
    async servers() {
      if (!isNodeRedisCluster(client)) return [(command) => this.call('', command)];
      const nodes: NodeRedisClient[] = await Promise.all(
        client.masters.map((node) => client.nodeClient(node)),
      );
      return nodes.map((node) => (command) => node.sendCommand(command));
    },
  };
}
