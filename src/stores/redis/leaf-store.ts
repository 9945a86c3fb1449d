import type { OnWarning } from '../../agent/warnings.js';
import type { LeafStore, SeenLeaf } from '../../session/checkpoint/ports.js';
import { checkOptions, integerIn, isFunction, requireOption } from '../../util/options.js';
import { DEFAULT_LEAF_TTL_MS, leafFrom, MAX_LEAF_TTL_MS, MIN_LEAF_TTL_MS } from '../session-leaves.js';
import { unavailable } from '../unavailable.js';
import { isRedisClient, type RedisClient } from './client.js';
import { isRedisKey } from './commands.js';
import { RedisConnection } from './connection.js';

/** Options of {@link RedisLeafStore}. */
export interface RedisLeafStoreOptions {
  /** A client or cluster of `ioredis` or `redis` (node-redis); it stays yours to end. */
  readonly client: RedisClient;
  /** In front of every key. 1 to 128 characters without spaces and braces. Default `xlink:leaves:`. Services may share it. */
  readonly keyPrefix?: string;
  /** How long the leaves of a session are kept after its last request, in ms, 60 000 to 86 400 000. Default 7 200 000, two hours: no session is good for longer. */
  readonly ttlMs?: number;
  /** How long Redis may take for one call, in ms. Default 250. */
  readonly timeoutMs?: number;
  /** Told if the client lacks time limits, or Redis may evict. Default: printed, once in a process. */
  readonly onWarning?: OnWarning;
}

/**
 * What was seen of requests in sessions, in Redis, shared by all instances: a hash for each session, some 200 bytes a request, until its
 * caller has signed them. They are hashes, and tell nothing of what was sent. What Redis loses is not compared.
 */
export class RedisLeafStore implements LeafStore {
  readonly #connection: RedisConnection<'RedisLeafStore'>;
  readonly #keyPrefix: string;
  readonly #ttlMs: number;

  /** Throws `INVALID_OPTION`, also for a client of any other kind. */
  constructor(options: RedisLeafStoreOptions) {
    checkOptions('RedisLeafStore', options, {
      client: isRedisClient,
      keyPrefix: isRedisKey,
      ttlMs: integerIn(MIN_LEAF_TTL_MS, MAX_LEAF_TTL_MS),
      timeoutMs: integerIn(1, 60_000),
      onWarning: isFunction,
    });
    requireOption('RedisLeafStore', options, 'client');
    const { client, timeoutMs = 250, onWarning, ttlMs = DEFAULT_LEAF_TTL_MS } = options;
    this.#connection = new RedisConnection('RedisLeafStore', { client, timeoutMs, onWarning });
    this.#keyPrefix = this.#connection.keyPrefix + (options.keyPrefix ?? 'xlink:leaves:');
    this.#ttlMs = ttlMs;
  }

  /** Rejects with `SESSION_STORE_UNAVAILABLE`. */
  async keep({ sid, seq, leaf, answered = '', answer = '' }: SeenLeaf): Promise<void> {
    const key = this.#keyPrefix + sid;
    await this.#ask(key, [
      ['HSET', key, String(seq), `${leaf} ${answered} ${answer}`],
      ['PEXPIRE', key, String(this.#ttlMs)],
    ]);
  }

  /** Rejects with `SESSION_STORE_UNAVAILABLE`. */
  async take(sid: string, from: number, to: number): Promise<readonly SeenLeaf[]> {
    if (to <= from) return [];
    const key = this.#keyPrefix + sid;
    const fields = Array.from({ length: to - from }, (_, at) => String(from + at));
    const [kept] = await this.#ask(key, [
      ['HMGET', key, ...fields],
      ['HDEL', key, ...fields],
    ]);
    if (!Array.isArray(kept)) return [];
    return kept.flatMap((text: unknown, at) => {
      if (typeof text !== 'string') return [];
      const [leaf = '', answered, answer] = text.split(' ');
      return [leafFrom({ sid, seq: from + at, leaf, answered, answer })];
    });
  }

  #ask(key: string, commands: Parameters<RedisConnection<'RedisLeafStore'>['transaction']>[1]) {
    return unavailable(() => this.#connection.transaction(key, commands), 'SESSION_STORE_UNAVAILABLE');
  }
}
