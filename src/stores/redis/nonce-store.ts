import type { OnWarning } from '../../agent/warnings.js';
import type { NonceStore, NonceUse } from '../../types/ports.js';
import type { Clock } from '../../types/protocol.js';
import { checkOptions, integerIn, isFunction, isPromptFunction, requireOption } from '../../util/options.js';
import { unavailable } from '../unavailable.js';
import { ClaimNames, claimCommand, isClaimName } from './claim-script.js';
import { isRedisClient, type RedisClient } from './client.js';
import { isRedisKey } from './commands.js';
import { RedisConnection } from './connection.js';
import { keysOf } from './nonce-keys.js';
import { assertRemembered, RedisMarkers } from './nonce-markers.js';
import { nonceStoreUnavailable, sinceOf } from './verify-script.js';

/** Options of {@link RedisNonceStore}. */
export interface RedisNonceStoreOptions {
  /**
   * A client or cluster of `ioredis` or `redis` (node-redis), made with `redisClientOptions`; it stays yours to end, and its
   * `error` events yours to hear. While it connects for the first time, calls wait for it within their time limit.
   */
  readonly client: RedisClient;
  /**
   * In front of every key; `{`, a character, `}`, and 43 characters of base64url or `since` follow. 1 to 128 characters
   * without spaces and braces, which would put all nonces on one node of a cluster. Default `nonce:`. Services may share
   * it: the recipient is part of a key.
   */
  readonly keyPrefix?: string;
  /**
   * The least time a nonce is kept, in seconds; a longer time that the agent asks for counts. Default 600: instances whose
   * `timestampWindowMs` differ are safe with each other up to a window of 299 seconds.
   */
  readonly ttlSeconds?: number;
  /**
   * How long Redis may take for one call, in ms. Default 250: an envelope takes two calls, so a request waits half a
   * second at most, and refusals begin where Redis, the network or this process stalls for longer than a quarter of one.
   * A third call comes only where Redis may have lost data.
   */
  readonly timeoutMs?: number;
  /**
   * The clock of this process, which Redis is warned of if it is more than a second off. Nothing is dated by it. Default
   * `Date.now`.
   */
  readonly clock?: Clock;
  /** Told if the client lacks time limits, and if Redis may evict or has another time. Default: printed, once in a process. */
  readonly onWarning?: OnWarning;
}

const DEFAULT_PREFIX = 'nonce:';
const DEFAULT_TTL_SECONDS = 600;
const DEFAULT_TIMEOUT_MS = 250;

/**
 * Nonces in Redis (5 or later), shared by all instances of an API. `claim` is one `SET … NX PX` in a script that says whose
 * the nonce is, which Redis carries out atomically, and works in clusters. Nonces are in 64 slots of them, which three or four masters share fairly; of more,
 * some get few or none.
 *
 * Fails closed: where Redis is down, full, slow, or answers anything unexpected, calls reject with
 * `NONCE_STORE_UNAVAILABLE` (`cause` kept). While the client is away they do so at once, before it could queue a
 * command and carry it out minutes later. An answer that comes after the time limit is ignored: the nonce may be
 * claimed by then, or later, as ioredis sends again what was under way when its connection broke; the caller seals anew.
 * A claim is accepted only by an answer that names it, so none that belongs to another command can be taken for it, and
 * one that is sent twice within the limit is no replay of itself.
 *
 * **A Redis that is not what it was** accepts nothing again. Nonces are in 64 buckets, and beside those of each, in the
 * same slot of a cluster, stands since when it remembers (`<prefix>{X}since`), by the clock of Redis, and of which server
 * that is true: its run id, replication id and count of evicted keys. A short script compares that with the server that
 * answers: with the first claim of a bucket over each new connection, and each second after that, or with every claim
 * where Redis may evict, or the client is a pool or sentinel. What does not fit is dated anew: Redis came back empty
 * (`FLUSHALL`, no persistence), was started again (from a snapshot, from an old file), is a replica that was promoted, or
 * has evicted keys. What was sealed before that time is refused with `NONCE_STORE_UNAVAILABLE:COLD_START`, and a client
 * that seals anew gets through, one whose clock is behind that of Redis once that is over. The same goes for the first
 * envelopes at a Redis that is new, unless they were sealed after the client was connected, and for those under way when
 * Redis is started again, or a slot moved to another node.
 *
 * **What Redis must promise all the same**, as it is not noticed:
 * - One master at a time. While a master that was cut off and the replica that was promoted both take claims, an envelope
 *   is good at each of them. `min-replicas-to-write 1` with a short `min-replicas-max-lag` ends that after as long.
 * - Its clock. What is remembered is dated by it: by as much as it is behind the true time, envelopes from before a loss
 *   are good again; by as much as it is ahead, all are refused after one. A difference to this process is warned of.
 * - No deleting of nonces by others, and no `maxmemory-policy` other than `noeviction`: that is warned of, makes each claim
 *   cost more, and refuses what was sealed before the last eviction, which may be everything.
 * - No proxy that changes servers behind an open connection: that is noticed after a second.
 * - Reads that go to replicas (`scaleReads`, `useReplicas`) may be behind. That does no harm, as what decides is `claim`,
 *   which goes to the master.
 *
 * What remains after a loss: an envelope that a caller dated ahead of its time, as a fast clock does, and that was
 * accepted before, is good once more until that time. It is never more than the agent's `timestampWindowMs` ahead.
 */
export class RedisNonceStore implements NonceStore {
  readonly #connection: RedisConnection<'RedisNonceStore'>;
  readonly #markers: RedisMarkers;
  readonly #keyPrefix: string;
  readonly #minTtlMs: number;
  readonly #names = new ClaimNames();

  /** Begins to remember as soon as the client is connected. Throws `INVALID_OPTION`, also for a client of any other kind. */
  constructor(options: RedisNonceStoreOptions) {
    checkOptions('RedisNonceStore', options, {
      client: isRedisClient,
      keyPrefix: isRedisKey,
      ttlSeconds: integerIn(1, 31_536_000),
      timeoutMs: integerIn(1, 60_000),
      clock: isPromptFunction,
      onWarning: isFunction,
    });
    requireOption('RedisNonceStore', options, 'client');
    const { client, timeoutMs = DEFAULT_TIMEOUT_MS, onWarning } = options;
    this.#connection = new RedisConnection('RedisNonceStore', { client, timeoutMs, onWarning });
    this.#keyPrefix = this.#connection.keyPrefix + (options.keyPrefix ?? DEFAULT_PREFIX);
    this.#markers = new RedisMarkers(this.#connection, this.#keyPrefix, options.clock ?? Date.now);
    this.#minTtlMs = (options.ttlSeconds ?? DEFAULT_TTL_SECONDS) * 1000;
  }

  /** A hint that may be behind the times; see above. Rejects with `NONCE_STORE_UNAVAILABLE`. */
  async seen(use: NonceUse): Promise<boolean> {
    const { key, marker } = await keysOf(this.#keyPrefix, use);
    const [reply, found] = await this.#inOrder([
      [key, ['EXISTS', key]],
      [marker, ['GET', marker]],
    ]);
    if (reply === 1 || reply === '1') return true;
    if (reply !== 0 && reply !== '0')
      throw nonceStoreUnavailable('Redis answered EXISTS with neither 0 nor 1.');
    const isMarker = typeof found === 'string' && sinceOf(found) !== undefined;
    assertRemembered(use, isMarker ? found : await this.#markers.verify(marker));
    return false;
  }

  /**
   * Rejects with `NONCE_STORE_UNAVAILABLE`, also if Redis lost its data after the envelope was made: then the claim does
   * not count, though the nonce is taken.
   */
  async claim(use: NonceUse, ttlMs: number): Promise<boolean> {
    const { key, marker } = await keysOf(this.#keyPrefix, use);
    const lifetimeMs = Math.max(Math.ceil(ttlMs), this.#minTtlMs);
    const expected = this.#markers.expected(marker);
    const question = expected === undefined ? this.#markers.question(marker) : undefined;
    const name = this.#names.next();
    // The marker is looked at after the claim is made, so that no loss goes between them.
    const [reply, found] = await this.#inOrder([
      [key, claimCommand(key, name, lifetimeMs)],
      [marker, question?.command ?? ['GET', marker]],
    ]);
    const verified = question?.note(found);
    if (!isClaimName(reply)) throw nonceStoreUnavailable('Redis did not say whose the nonce is.');
    if (reply !== name) return false;
    const isAsExpected = found === expected && this.#markers.expected(marker) === expected;
    assertRemembered(use, verified ?? (isAsExpected ? expected! : await this.#markers.verify(marker)));
    return true;
  }

  #inOrder(commands: Parameters<RedisConnection<'RedisNonceStore'>['inOrder']>[0]): Promise<unknown[]> {
    return unavailable(() => this.#connection.inOrder(commands), 'NONCE_STORE_UNAVAILABLE');
  }
}
