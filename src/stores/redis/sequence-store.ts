import type { OnWarning } from '../../agent/warnings.js';
import type { SequenceStore, SequenceUse } from '../../session/ports.js';
import type { Clock } from '../../types/protocol.js';
import { checkOptions, integerIn, isFunction, isPromptFunction, requireOption } from '../../util/options.js';
import { unavailable } from '../unavailable.js';
import { isRedisClient, type RedisClient } from './client.js';
import { isRedisKey } from './commands.js';
import { RedisConnection } from './connection.js';
import { assertRemembered, RedisMarkers } from './nonce-markers.js';
import { bitCommand, bitOf, blockOf } from './sequence-blocks.js';

/** Options of {@link RedisSequenceStore}. */
export interface RedisSequenceStoreOptions {
  /** A client or cluster of `ioredis` or `redis` (node-redis), as `RedisNonceStore` takes it; it stays yours to end. */
  readonly client: RedisClient;
  /** In front of every key; see `RedisNonceStore`. Default `xlink:sequence:`. Services may share it. */
  readonly keyPrefix?: string;
  /** How long Redis may take for one call, in ms. Default 250. */
  readonly timeoutMs?: number;
  /** The clock of this process, which Redis is warned of if it is more than a second off. Default `Date.now`. */
  readonly clock?: Clock;
  /** Told if the client lacks time limits, and if Redis may evict or has another time. Default: printed, once in a process. */
  readonly onWarning?: OnWarning;
}

const DEFAULT_PREFIX = 'xlink:sequence:';
const DEFAULT_TIMEOUT_MS = 250;

/**
 * Which requests of sessions were received, in Redis (5 or later), shared by all instances: one bit for each, 1024 to a key, set
 * atomically, so two bytes for a request in the place of the 170 of a nonce.
 *
 * Fails closed, and notices a Redis that lost what it knew, as `RedisNonceStore` does by the same means: what was made before that time is
 * refused with `NONCE_STORE_UNAVAILABLE:COLD_START`. What Redis must promise is the same, too. A claim that a client sends twice by itself,
 * when a connection broke, is taken for a replay.
 */
export class RedisSequenceStore implements SequenceStore {
  readonly #connection: RedisConnection<'RedisSequenceStore'>;
  readonly #markers: RedisMarkers<'RedisSequenceStore'>;
  readonly #keyPrefix: string;

  /** Begins to remember as soon as the client is connected. Throws `INVALID_OPTION`, also for a client of any other kind. */
  constructor(options: RedisSequenceStoreOptions) {
    checkOptions('RedisSequenceStore', options, {
      client: isRedisClient,
      keyPrefix: isRedisKey,
      timeoutMs: integerIn(1, 60_000),
      clock: isPromptFunction,
      onWarning: isFunction,
    });
    requireOption('RedisSequenceStore', options, 'client');
    const { client, timeoutMs = DEFAULT_TIMEOUT_MS, onWarning } = options;
    this.#connection = new RedisConnection('RedisSequenceStore', { client, timeoutMs, onWarning });
    this.#keyPrefix = this.#connection.keyPrefix + (options.keyPrefix ?? DEFAULT_PREFIX);
    this.#markers = new RedisMarkers(this.#connection, this.#keyPrefix, options.clock ?? Date.now);
  }

  /**
   * Rejects with `NONCE_STORE_UNAVAILABLE`, also if Redis lost its data after the request was made: then the claim does not count, though
   * the number is taken.
   */
  async claimSequence(use: SequenceUse, ttlMs: number): Promise<boolean> {
    const { key, marker } = await blockOf(this.#keyPrefix, use);
    const expected = this.#markers.expected(marker);
    const question = expected === undefined ? this.#markers.question(marker) : undefined;
    // The marker is looked at after the claim is made, so that no loss goes between them.
    const [reply, found] = await unavailable(
      () =>
        this.#connection.inOrder([
          [key, bitCommand(key, use.seq, Math.ceil(ttlMs))],
          [marker, question?.command ?? ['GET', marker]],
        ]),
      'NONCE_STORE_UNAVAILABLE',
    );
    const verified = question?.note(found);
    if (bitOf(reply, use.seq) === 1) return false;
    const isAsExpected = found === expected && this.#markers.expected(marker) === expected;
    assertRemembered(use, verified ?? (isAsExpected ? expected! : await this.#markers.verify(marker)));
    return true;
  }
}
