import {
  type IoredisClient,
  type IoredisCluster,
  isIoredis,
  isIoredisCluster,
  isNodeRedisCluster,
  type NodeRedisClient,
  type NodeRedisCluster,
  type RedisClient,
} from './client.js';

/** The commands of a registry, the same for every client. Each concerns one key, so that a cluster takes it too. */
export interface RedisCommands {
  /** The last item of a stream; `undefined` if there is none. */
  newest(key: string): Promise<{ id: string; json: string } | undefined>;
  /** Adds an item with this id and drops all others. Rejects, and nothing changes, unless the id is above that of any item ever added. */
  append(key: string, id: string, json: string): Promise<void>;
  publish(channel: string, message: string): Promise<unknown>;
  /** One walk through the keys of each server that holds some. A key may come twice. */
  walks(): Promise<readonly RedisWalk[]>;
}

/** One step of SCAN; `cursor` is `0` at the beginning and at the end. */
export type RedisWalk = (cursor: string, pattern: string) => Promise<{ cursor: string; keys: string[] }>;

/** Member of a stream item that holds the entry. */
const FIELD = 'entry';
/** Keys looked at in one step. */
const SCAN_COUNT = 1000;

/** A command that a client of node-redis could not send within `timeoutMs` is dropped: a node of its cluster may be away. */
export const redisCommands = (client: RedisClient, timeoutMs: number): RedisCommands =>
  isIoredis(client)
    ? ioredisCommands(client)
    : nodeRedisCommands(
        (client as NodeRedisClient | NodeRedisCluster).withCommandOptions({ timeout: timeoutMs }),
      );

function ioredisCommands(client: IoredisClient | IoredisCluster): RedisCommands {
  const walk =
    (node: IoredisClient): RedisWalk =>
    async (from, pattern) => {
      const [cursor, keys] = await node.call('SCAN', from, 'MATCH', pattern, 'COUNT', String(SCAN_COUNT));
      return { cursor: String(cursor), keys };
    };
  return {
    async newest(key) {
      const [item] = await client.call('XREVRANGE', key, '+', '-', 'COUNT', '1');
      return item && itemOf(item[0], item[1][0] === FIELD ? item[1][1] : undefined);
    },
    append: (key, id, json) => client.call('XADD', key, 'MAXLEN', '=', '1', id, FIELD, json),
    publish: (channel, message) => client.call('PUBLISH', channel, message),
    walks: async () =>
      (isIoredisCluster(client) ? client.nodes('master') : [client as IoredisClient]).map(walk),
  };
}

function nodeRedisCommands(client: NodeRedisClient | NodeRedisCluster): RedisCommands {
  const walk =
    (node: NodeRedisClient): RedisWalk =>
    async (from, pattern) => {
      const { cursor, keys } = await node.scan(from, { MATCH: pattern, COUNT: SCAN_COUNT });
      return { cursor: String(cursor), keys };
    };
  return {
    async newest(key) {
      const [item] = await client.xRevRange(key, '+', '-', { COUNT: 1 });
      return item && itemOf(item.id, item.message[FIELD]);
    },
    append: (key, id, json) =>
      client.xAdd(
        key,
        id,
        { [FIELD]: json },
        { TRIM: { strategy: 'MAXLEN', strategyModifier: '=', threshold: 1 } },
      ),
    publish: (channel, message) => client.publish(channel, message),
    walks: async () =>
      isNodeRedisCluster(client)
        ? Promise.all(client.masters.map(async (node) => walk(await client.nodeClient(node))))
        : [walk(client as NodeRedisClient)],
  };
}

function itemOf(id: unknown, json: unknown): { id: string; json: string } {
  if (typeof id === 'string' && typeof json === 'string') return { id, json };
  throw new Error('Redis gave something else than an entry: another program may use the key.');
}
