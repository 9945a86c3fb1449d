import { isIoredis, isNodeRedisCluster, type NodeRedisClient, type RedisClient } from './client.js';

/** A command and its arguments. */
export type RedisCommand = readonly [name: string, ...args: string[]];

/** Commands whatever the client. `key` says which node of a cluster they are for. */
export interface RedisCalls {
  call(key: string, command: RedisCommand): Promise<unknown>;
  /** All of them, one after the other and nobody in between (MULTI, EXEC). Rejects if any of them failed. */
  transaction(key: string, commands: readonly RedisCommand[]): Promise<void>;
}

// The parts of the packages that are used here, beyond those of RedisClient.
type Exec = { exec(): Promise<unknown> };
type Ioredis = {
  call(name: string, ...args: string[]): Promise<unknown>;
  multi(commands: readonly (readonly string[])[]): Exec;
};
type NodeMulti = Exec & { addCommand(args: readonly string[]): NodeMulti };
type NodeRedis = { sendCommand(args: readonly string[]): Promise<unknown>; multi(): NodeMulti };
type NodeClusterMulti = Exec & {
  addCommand(key: string, isReadonly: boolean, args: readonly string[]): NodeClusterMulti;
};
type NodeRedisCluster = {
  sendCommand(key: string, isReadonly: boolean, args: readonly string[]): Promise<unknown>;
  multi(key: string): NodeClusterMulti;
};

/** A command that a client of node-redis could not send within `timeoutMs` is dropped: a node of its cluster may be away. */
export function redisCalls(client: RedisClient, timeoutMs: number): RedisCalls {
  if (isIoredis(client)) return ioredisCalls(client as unknown as Ioredis);
  const impatient: unknown = (client as NodeRedisClient).withCommandOptions({ timeout: timeoutMs });
  return isNodeRedisCluster(client)
    ? nodeRedisClusterCalls(impatient as NodeRedisCluster)
    : nodeRedisCalls(impatient as NodeRedis);
}

const ioredisCalls = (client: Ioredis): RedisCalls => ({
  call: (_, command) => client.call(...command),
  async transaction(_, commands) {
    const calls = commands.map((command) => ['call', ...command]);
    // One [error, reply] for each command.
    const replies = (await client.multi(calls).exec()) as [Error | null, unknown][] | null;
    if (!replies) throw new Error('Redis dropped the transaction.');
    for (const [error] of replies) if (error) throw error;
  },
});

const nodeRedisCalls = (client: NodeRedis): RedisCalls => ({
  call: (_, command) => client.sendCommand(command),
  async transaction(_, commands) {
    const multi = client.multi();
    for (const command of commands) multi.addCommand(command);
    await multi.exec();
  },
});

// Never read-only: a replica learns late that a key is off.
const nodeRedisClusterCalls = (client: NodeRedisCluster): RedisCalls => ({
  call: (key, command) => client.sendCommand(key, false, command),
  async transaction(key, commands) {
    const multi = client.multi(key);
    for (const command of commands) multi.addCommand(key, false, command);
    await multi.exec();
  },
});
