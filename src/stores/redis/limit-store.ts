import type { OnWarning } from '../../agent/warnings.js';
import type { LimitCount, LimitStore } from '../../limits/store.js';
import { checkOptions, integerIn, isFunction, requireOption } from '../../util/options.js';
import { escaped } from '../ascii-json.js';
import { unavailable } from '../unavailable.js';
import { isRedisClient, type RedisClient } from './client.js';
import { isRedisKey } from './commands.js';
import { RedisConnection } from './connection.js';

/** Options of {@link RedisLimitStore}. */
export interface RedisLimitStoreOptions {
  /** A client or cluster of `ioredis` or `redis` (node-redis), made with `redisClientOptions`; it stays yours to end. */
  readonly client: RedisClient;
  /** Before each key, 1 to 128 characters without spaces and braces. Default `xlink:limit:`. Services need prefixes of their own. */
  readonly keyPrefix?: string;
  /** How long Redis may take for one command, in ms. Default 250: after that the instance counts for itself. */
  readonly timeoutMs?: number;
  /** Told if the client lacks time limits, or Redis may evict. Default: printed, once in a process. */
  readonly onWarning?: OnWarning;
}

/** KEYS: a count. ARGV: how long its window takes, in ms. A count that lost its end is given one. */
const TAKE = `
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 or left > tonumber(ARGV[1]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}`;

/**
 * Counts requests of clients in Redis (5 or later) or a Redis Cluster: one key for each client and window, which ends by itself, by the
 * clock of Redis; one round trip for each window and request. What Redis forgets is counted anew, so it needs no file.
 */
export class RedisLimitStore implements LimitStore {
  readonly #prefix: string;
  readonly #connection: RedisConnection<'RedisLimitStore'>;

  /** Throws `INVALID_OPTION`, also for a client of any other kind. */
  constructor(options: RedisLimitStoreOptions) {
    checkOptions('RedisLimitStore', options, {
      client: isRedisClient,
      keyPrefix: isRedisKey,
      timeoutMs: integerIn(1, 600_000),
      onWarning: isFunction,
    });
    requireOption('RedisLimitStore', options, 'client');
    const { client, keyPrefix = 'xlink:limit:', timeoutMs = 250, onWarning } = options;
    this.#connection = new RedisConnection('RedisLimitStore', { client, timeoutMs, onWarning });
    this.#prefix = this.#connection.keyPrefix + keyPrefix;
  }

  /** Rejects with `LIMIT_STORE_UNAVAILABLE`, the error of the client as `cause`. */
  async take(name: string, windowMs: number): Promise<LimitCount> {
    const key = this.#prefix + escaped(name);
    return unavailable(async () => {
      const reply = await this.#connection.call(key, ['EVAL', TAKE, '1', key, String(windowMs)]);
      const [count, resetMs] = Array.isArray(reply) ? reply.map(Number) : [];
      if (!Number.isSafeInteger(count) || !Number.isSafeInteger(resetMs))
        throw new Error('Redis gave something else than a count: another program may use the key.');
      return { count: count!, resetMs: resetMs! };
    }, 'LIMIT_STORE_UNAVAILABLE');
  }
}
