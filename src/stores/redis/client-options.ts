import type { OnWarning } from '../../agent/warnings.js';
import { isIoredis, isIoredisCluster, isNodeRedisCluster, type RedisClient } from './client.js';
import type { RedisStore } from './commands.js';
import { redisWarner } from './server-warnings.js';

/** How long to wait before the given attempt to reconnect, in ms: at most a second, and without end. */
const reconnectMs = (attempt: number): number => Math.min(attempt * 50, 1000);

const LIMITS = {
  /** An attempt on a dead network is given up, in ms. */
  connectTimeout: 1000,
  /** So is a connection that says nothing, in ms, and with it what waits in it. */
  socketTimeout: 5000,
} as const;

const IOREDIS = {
  ...LIMITS,
  /** A change is not made long after it was reported as failed. */
  autoResendUnfulfilledCommands: false,
} as const;

/**
 * Options for Redis clients with which the stores are back within seconds after whatever happens to the network: all that
 * waits is given up in time (`connectTimeout` 1 s, `socketTimeout` 5 s), nothing is queued or sent twice while Redis is
 * away, and reconnecting goes on for ever, at least once a second.
 *
 * ```ts
 * new Redis(url, redisClientOptions.ioredis);
 * new Cluster(nodes, redisClientOptions.ioredisCluster);
 * createClient({ url, ...redisClientOptions.nodeRedis });
 * createCluster({ rootNodes, defaults: redisClientOptions.nodeRedis });
 * ```
 */
export const redisClientOptions = {
  /** For `Redis` of `ioredis`. */
  ioredis: { ...IOREDIS, enableOfflineQueue: false, maxRetriesPerRequest: 0, retryStrategy: reconnectMs },
  /** For `Cluster` of `ioredis`. */
  ioredisCluster: { redisOptions: IOREDIS, enableOfflineQueue: false, clusterRetryStrategy: reconnectMs },
  /**
   * For `createClient` of `redis` (node-redis), and for `defaults` of `createCluster`. `pingInterval` keeps a connection
   * that is not used from being taken for a silent one. To set more of `socket`, spread `nodeRedis.socket` as well.
   */
  nodeRedis: {
    disableOfflineQueue: true,
    pingInterval: 2000,
    socket: { ...LIMITS, reconnectStrategy: reconnectMs },
  },
} as const;

/** What the options of a client may say about time limits, whatever its package. */
interface KnownOptions {
  readonly socketTimeout?: number;
  readonly autoResendUnfulfilledCommands?: boolean;
  readonly pingInterval?: number;
  readonly socket?: KnownOptions;
  readonly redisOptions?: KnownOptions;
  readonly defaults?: KnownOptions;
}

/** Tells `onWarning`, or prints once in a process, that a client would be away for long after a silent cut of the network. */
export function warnOfMissingLimits(
  store: RedisStore,
  client: RedisClient,
  onWarning: OnWarning | undefined,
): void {
  const [use, missing] = isIoredis(client) ? missingInIoredis(client) : missingInNodeRedis(client);
  if (missing.length === 0) return;
  redisWarner(onWarning)({
    type: 'redis-client-without-limits',
    store,
    missing,
    use: `redisClientOptions.${use}`,
  });
}

function missingInIoredis(client: Extract<RedisClient, { status: string }>): [string, string[]] {
  const isCluster = isIoredisCluster(client);
  const given: KnownOptions = client.options ?? {};
  const options = isCluster ? (given.redisOptions ?? {}) : given;
  const missing = [
    ...(options.socketTimeout ? [] : ['socketTimeout']),
    ...(options.autoResendUnfulfilledCommands === false ? [] : ['autoResendUnfulfilledCommands: false']),
  ];
  return [isCluster ? 'ioredisCluster' : 'ioredis', missing];
}

function missingInNodeRedis(client: Exclude<RedisClient, { status: string }>): [string, string[]] {
  const given = client as { options?: KnownOptions; _options?: KnownOptions };
  const options = isNodeRedisCluster(client) ? (given._options?.defaults ?? {}) : given.options;
  if (!options) return ['nodeRedis', []]; // a pool or sentinel does not tell
  const { socketTimeout } = options.socket ?? {};
  const missing = [
    ...(socketTimeout ? [] : ['socket.socketTimeout']),
    ...(options.pingInterval ? [] : ['pingInterval']),
  ];
  return ['nodeRedis', missing];
}
