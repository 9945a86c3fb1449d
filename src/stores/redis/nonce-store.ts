import type { OnWarning } from '../../agent/warnings.js';
import type { NonceStore, NonceUse } from '../../types/ports.js';
import type { Clock } from '../../types/protocol.js';
import { checkOptions, integerIn, isFunction, requireOption } from '../../util/options.js';
import { unavailable } from '../unavailable.js';
import { isRedisClient, type RedisClient } from './client.js';
import { isRedisKey } from './commands.js';
import { RedisConnection } from './connection.js';
import { keysOf } from './nonce-keys.js';
import { assertRemembered, nonceStoreUnavailable, RedisMarkers } from './nonce-markers.js';

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
   * A third call comes only after Redis lost its data.
   */
  readonly timeoutMs?: number;
  /**
   * Dates what Redis remembers from now on, where it has lost its data. Default `Date.now`. A clock that is slow lets
   * envelopes of that much time before the loss pass; one that is fast has all instances refuse for that long after it.
   */
  readonly clock?: Clock;
  /** Told if the client lacks time limits. Default: printed, once in a process. */
  readonly onWarning?: OnWarning;
}

const DEFAULT_PREFIX = 'nonce:';
const DEFAULT_TTL_SECONDS = 600;
const DEFAULT_TIMEOUT_MS = 250;

/**
 * Nonces in Redis, shared by all instances of an API. `claim` is one `SET … NX PX`, which Redis carries out atomically;
 * no script and one key a command, so clusters work. Nonces are in 64 slots of them, which three or four masters share
 * fairly; of more, some get few or none.
 *
 * Fails closed: where Redis is down, full, slow, or answers anything unexpected, calls reject with
 * `NONCE_STORE_UNAVAILABLE` (`cause` kept). While the client is away they do so at once, before it could queue a
 * command and carry it out minutes later. An answer that comes after the time limit is ignored: the nonce may be
 * claimed by then, or later, as ioredis sends again what was under way when its connection broke; the caller seals anew.
 * A claim that is sent twice that way, within the limit, looks like a replay, and is refused as one.
 *
 * A Redis that comes back empty (restarted without persistence, `FLUSHALL`) accepts nothing again: nonces are in 64
 * buckets, and beside those of each, in the same slot of a cluster, stands since when it remembers (`<prefix>{X}since`, ms
 * since 1970, without an end). It is lost with the nonces, and is asked for together with them; what was sealed before that
 * time is refused with `NONCE_STORE_UNAVAILABLE:COLD_START`, and a client that seals anew gets through, one whose clock is
 * slow once that is over. The same goes for the first envelopes at a Redis that is new, unless they were sealed after the
 * client was connected. If a clock that was far ahead dated the buckets, delete these keys (`<prefix>{?}since`).
 *
 * What Redis itself must promise, as it is not noticed otherwise:
 * - No snapshots alone. Redis that starts from one (`save`, which its defaults switch on) has the markers back, but not
 *   the nonces since then: those envelopes are good again after a crash. Use `appendonly yes` with `appendfsync always`
 *   (`everysec` may forget the last second), or else no persistence at all (`save ""`): then the loss is noticed.
 * - `maxmemory-policy noeviction`. Any other policy may drop a nonce before its time, and its envelope is good again.
 * - Replicas are asynchronous: a failover may lose the claims of the last moments, and those envelopes are good once
 *   more, as long as their timestamps are. `min-replicas-to-write 1` with a short `min-replicas-max-lag` bounds how much,
 *   `WAIT` (which this store does not send) would narrow it further; neither makes it nothing.
 * - Reads that go to replicas (`scaleReads`, `useReplicas`) may be behind. For `seen` alone that would do no harm, as what
 *   decides is `claim`, a write to the master; but a replica that has not heard yet that its master came back empty says
 *   that nothing was lost. So does, while a slot is moved, the master it leaves, of the one it goes to.
 *
 * What remains after a loss: an envelope that a caller dated ahead of its time, as a fast clock does, and that was
 * accepted before, is good once more until that time. It is never more than the agent's `timestampWindowMs` ahead.
 */
export class RedisNonceStore implements NonceStore {
  readonly #connection: RedisConnection<'RedisNonceStore'>;
  readonly #markers: RedisMarkers;
  readonly #keyPrefix: string;
  readonly #minTtlMs: number;

  /** Begins to remember as soon as the client is connected. Throws `INVALID_OPTION`, also for a client of any other kind. */
  constructor(options: RedisNonceStoreOptions) {
    checkOptions('RedisNonceStore', options, {
      client: isRedisClient,
      keyPrefix: isRedisKey,
      ttlSeconds: integerIn(1, 31_536_000),
      timeoutMs: integerIn(1, 60_000),
      clock: isFunction,
      onWarning: isFunction,
    });
    requireOption('RedisNonceStore', options, 'client');
    const { client, timeoutMs = DEFAULT_TIMEOUT_MS, onWarning } = options;
    this.#connection = new RedisConnection('RedisNonceStore', { client, timeoutMs, onWarning });
    this.#keyPrefix = this.#connection.keyPrefix + (options.keyPrefix ?? DEFAULT_PREFIX);
    this.#markers = new RedisMarkers(this.#connection, this.#keyPrefix, options.clock ?? Date.now);
    this.#minTtlMs = (options.ttlSeconds ?? DEFAULT_TTL_SECONDS) * 1000;
    this.#connection.onceReady(() => this.#markers.setAll());
  }

  /** A hint that may be behind the times; see above. Rejects with `NONCE_STORE_UNAVAILABLE`. */
  async seen(use: NonceUse): Promise<boolean> {
    const { key, marker } = await keysOf(this.#keyPrefix, use);
    const [reply, since] = await unavailable(
      () =>
        this.#connection.inOrder([
          [key, ['EXISTS', key]],
          [marker, ['GET', marker]],
        ]),
      'NONCE_STORE_UNAVAILABLE',
    );
    if (reply === 1 || reply === '1') return true;
    if (reply !== 0 && reply !== '0')
      throw nonceStoreUnavailable('Redis answered EXISTS with neither 0 nor 1.');
    assertRemembered(use, since === null ? await this.#markers.set(marker) : since);
    return false;
  }

  /**
   * Rejects with `NONCE_STORE_UNAVAILABLE`, also if Redis lost its data after the envelope was made: then the claim does
   * not count, though the nonce is taken. The marker is read after the claim is made, so that no loss goes between them.
   */
  async claim(use: NonceUse, ttlMs: number): Promise<boolean> {
    const { key, marker } = await keysOf(this.#keyPrefix, use);
    const lifetimeMs = Math.max(Math.ceil(ttlMs), this.#minTtlMs);
    const [reply, since] = await unavailable(
      () =>
        this.#connection.inOrder([
          [key, ['SET', key, '1', 'PX', String(lifetimeMs), 'NX']],
          [marker, ['GET', marker]],
        ]),
      'NONCE_STORE_UNAVAILABLE',
    );
    if (reply === null) return false;
    if (reply !== 'OK') throw nonceStoreUnavailable('Redis answered SET with neither OK nor nil.');
    if (since === null) this.#markers.setAll();
    assertRemembered(use, since);
    return true;
  }
}
