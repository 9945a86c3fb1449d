import type { OnWarning } from '../../agent/warnings.js';
import type { CryptoProvider } from '../../crypto/provider.js';
import { looksLikeDidKey } from '../../identity/did.js';
import type { FeedConnection } from '../../registry/change-feed.js';
import type { Clock, Did } from '../../types/protocol.js';
import type { Deadline } from '../../util/deadline.js';
import {
  checkOptions,
  integerIn,
  isFunction,
  isObject,
  isPromptFunction,
  isString,
  requireOption,
} from '../../util/options.js';
import { type Versioned, VersionedRegistry } from '../versioned-registry.js';
import { isRedisClient, type RedisClient } from './client.js';
import { RedisConnection } from './connection.js';
import { subscribe, subscriberOf } from './subscription.js';
import { readVersioned, writeVersioned } from './versioned-key.js';

/** Options of {@link RedisTrustRegistry}. */
export interface RedisTrustRegistryOptions {
  /** A client or cluster of `ioredis` or `redis` (node-redis), made with `redisClientOptions`; it stays yours to end. */
  readonly client: RedisClient;
  /**
   * A client whose settings the connection for changes is made with: it is duplicated, not used itself. Default `client`.
   */
  readonly subscriber?: RedisClient;
  /** Put before each DID to make its key. Default `xlink:registry:`. */
  readonly keyPrefix?: string;
  /** How long a call may take in all, in ms. Default 1000: so long a request waits if Redis does not answer. */
  readonly timeoutMs?: number;
  /**
   * How often the connection for changes is tried, in ms. Default 500: a frozen network goes unnoticed for that long, and half a
   * second more. Until then caches trust what they hold for their whole `ttlMs`.
   */
  readonly heartbeatMs?: number;
  /** Checks the signatures of key records. Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
  /** Says how old a succession is. Default `Date.now`. */
  readonly clock?: Clock;
  /** Told if the client lacks time limits, or Redis may evict. Default: printed, once in a process. */
  readonly onWarning?: OnWarning;
}

/** Keys looked at in one step. */
const SCAN_COUNT = '1000';
/** Entries that `list` reads at a time. */
const PORTION = 100;

/**
 * A trust registry in Redis (5 or later) or a Redis Cluster, shared by all instances. A change takes effect with the next
 * lookup everywhere; caches hear of it through `onChange`.
 *
 * Each entry is a stream of one item, whose id is the version of the entry: `XADD key MAXLEN = 1 0-<n+1> entry <json>` is
 * refused by Redis unless n is the newest version. That is compare-and-set in one command on one key: no script, no
 * transaction that would need a connection of its own, no lock that could expire under its holder, and it works in
 * clusters. A command that Redis carries out late, or twice, does nothing if the entry was changed meanwhile. An entry takes
 * some 5 KB of memory, half of it the stream's.
 *
 * **What Redis must be told.** It forgets what it has not saved: switch on the append-only file (`appendonly yes`; with
 * `appendfsync everysec` a crash takes up to a second of revocations with it, with `always` none). Never let it evict
 * (`maxmemory-policy noeviction`): an evicted DID is unknown, and may register anew, revoked or not. After a failover
 * to a replica the last writes may be missing; `min-replicas-to-write` narrows that down. Reading from replicas
 * (`scaleReads`, `useReplicas`) delays revocations by as much as they lag. If that is too weak, use Postgres.
 *
 * A change is published after it was written. If the publishing fails, or is not heard, caches fall back on their time
 * to live. `list` walks through all keys of the database (SCAN): it is for operators, not for requests.
 *
 * `lookup` and `list` reject with `LOOKUP_FAILED`, changes fail with `REGISTRATION_FAILED`, both with the error of the
 * client as `cause`. A change that ran out of time may have happened: it is safe to make it again.
 */
export class RedisTrustRegistry extends VersionedRegistry {
  readonly #connection: RedisConnection<'RedisTrustRegistry'>;
  readonly #subscriber: RedisClient;
  readonly #prefix: string;
  readonly #channel: string;

  constructor(options: RedisTrustRegistryOptions) {
    checkOptions('RedisTrustRegistry', options, {
      client: isRedisClient,
      subscriber: isRedisClient,
      keyPrefix: isString,
      timeoutMs: integerIn(1, 600_000),
      heartbeatMs: integerIn(10, 600_000),
      crypto: isObject,
      clock: isPromptFunction,
      onWarning: isFunction,
    });
    requireOption('RedisTrustRegistry', options, 'client');
    const { client, keyPrefix = 'xlink:registry:', timeoutMs = 1000, heartbeatMs = 500, crypto } = options;
    super({ crypto, clock: options.clock, timeoutMs, heartbeatMs });
    this.#connection = new RedisConnection('RedisTrustRegistry', {
      client,
      timeoutMs,
      onWarning: options.onWarning,
    });
    this.#subscriber = subscriberOf('RedisTrustRegistry', options);
    this.#prefix = this.#connection.keyPrefix + keyPrefix;
    this.#channel = `${keyPrefix}changes`;
  }

  protected async read(did: Did, deadline: Deadline): Promise<Versioned | undefined> {
    const found = await readVersioned(this.#connection, this.#prefix + did, deadline);
    return found && { json: found.json, version: found.id };
  }

  protected async write(
    did: Did,
    json: string,
    version: string | undefined,
    deadline: Deadline,
  ): Promise<boolean> {
    const [major, minor] = version?.split('-') ?? ['0', '0'];
    const next = `${major}-${Number(minor) + 1}`;
    try {
      await writeVersioned(this.#connection, this.#prefix + did, { id: next, json }, deadline);
    } catch (error) {
      // Refused because of the version, or for another reason: what is there now tells, whatever the words of the error.
      const now = await this.read(did, deadline);
      if (now?.version !== version) return false;
      throw error;
    }
    const told = this.#connection.call(this.#channel, ['PUBLISH', this.#channel, did], deadline);
    await told.catch(() => {}); // it is written
    return true;
  }

  protected async *readAll(newDeadline: () => Deadline): AsyncIterable<{ did: Did; json: string }> {
    const dids = [...(await this.#dids())];
    for (let from = 0; from < dids.length; from += PORTION) {
      const deadline = newDeadline();
      const portion = dids.slice(from, from + PORTION);
      const found = await Promise.all(portion.map((did) => this.read(did, deadline)));
      for (const [at, entry] of found.entries()) if (entry) yield { did: portion[at]!, json: entry.json };
    }
  }

  protected openFeed(
    heard: (did: Did) => void,
    lost: () => void,
    deadline: Deadline,
  ): Promise<FeedConnection> {
    return subscribe(this.#subscriber, { channel: this.#channel, heard, lost }, deadline);
  }

  /** ioredis may have put a prefix of its own before ours, which SCAN does not know of. */
  async #dids(): Promise<Set<Did>> {
    const pattern = `*${this.#prefix.replace(/[*?[\]\\^]/g, '\\$&')}did:key:*`;
    const dids = new Set<Did>();
    for (const send of await this.#connection.servers()) {
      let cursor = '0';
      do {
        const step = await send(['SCAN', cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT]);
        const [next, keys] = step as [unknown, string[]];
        cursor = String(next);
        for (const key of keys) {
          const did = key.slice(key.lastIndexOf('did:key:'));
          if (looksLikeDidKey(did) && key.endsWith(this.#prefix + did)) dids.add(did);
        }
      } while (cursor !== '0');
    }
    return dids;
  }
}
