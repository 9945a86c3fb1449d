import { defaultProvider } from '#provider';
import {
  assertModeState,
  type ModeState,
  type ModeStore,
  parseModeState,
  type StoredMode,
} from '../../adapters/modes/store.js';
import type { OnWarning } from '../../agent/warnings.js';
import { ChangeFeed } from '../../registry/change-feed.js';
import { encodeBase64url } from '../../util/base64url.js';
import { checkOptions, integerIn, isFunction, requireOption } from '../../util/options.js';
import { tell } from '../../util/tell.js';
import { asciiJson } from '../ascii-json.js';
import { unavailable } from '../unavailable.js';
import { isRedisClient, type RedisClient } from './client.js';
import { isRedisKey } from './commands.js';
import { RedisConnection } from './connection.js';
import { subscribe, subscriberOf } from './subscription.js';
import { readVersioned, writeVersioned } from './versioned-key.js';

/** Options of {@link RedisModeStore}. */
export interface RedisModeStoreOptions {
  /** A client or cluster of `ioredis` or `redis` (node-redis), made with `redisClientOptions`; it stays yours to end. */
  readonly client: RedisClient;
  /** A client whose settings the connection for changes is made with: it is duplicated, not used itself. Default `client`. */
  readonly subscriber?: RedisClient;
  /** 1 to 128 characters without spaces and braces. Default `xlink:mode`. APIs that move on by themselves need keys of their own. */
  readonly key?: string;
  /** How long Redis may take for one command, in ms. Default 1000. */
  readonly timeoutMs?: number;
  /** How often the connection that listens is tried, in ms. Default 5000: a frozen network goes unnoticed for that long. */
  readonly heartbeatMs?: number;
  /** Told if the client lacks time limits, or Redis may evict. Default: printed, once in a process. */
  readonly onWarning?: OnWarning;
}

/**
 * The shared mode in Redis (5 or later) or a Redis Cluster: a stream of one item, whose id is the version. `XADD` with the
 * id of the next version is refused by Redis if that is there already: compare-and-set in one command on one key, without
 * a script. Instances hear of changes over publish and subscribe; where that fails, they ask every `intervalMs`.
 *
 * Switch on the append-only file (`appendonly yes`), and never let Redis evict (`maxmemory-policy noeviction`): when all
 * instances are down, what Redis forgets is forgotten. While one runs, it gives Redis back what is lost.
 */
export class RedisModeStore implements ModeStore {
  readonly #key: string;
  readonly #channel: string;
  readonly #connection: RedisConnection<'RedisModeStore'>;
  readonly #listeners = new Set<() => void>();
  readonly #feed: ChangeFeed;

  /** Throws `INVALID_OPTION`, also for a client of any other kind. */
  constructor(options: RedisModeStoreOptions) {
    checkOptions('RedisModeStore', options, {
      client: isRedisClient,
      subscriber: isRedisClient,
      key: isRedisKey,
      timeoutMs: integerIn(1, 600_000),
      heartbeatMs: integerIn(10, 600_000),
      onWarning: isFunction,
    });
    requireOption('RedisModeStore', options, 'client');
    const { client, key = 'xlink:mode', timeoutMs = 1000, heartbeatMs = 5000, onWarning } = options;
    const subscriber = subscriberOf('RedisModeStore', options);
    this.#connection = new RedisConnection('RedisModeStore', { client, timeoutMs, onWarning });
    this.#key = this.#connection.keyPrefix + key;
    this.#channel = key;
    this.#feed = new ChangeFeed({
      open: (heard, lost) =>
        subscribe(subscriber, { channel: key, heard, lost }, this.#connection.newDeadline()),
      announce: () => {
        for (const listener of this.#listeners) tell(listener);
      },
      timeoutMs,
      heartbeatMs,
    });
  }

  async load(): Promise<StoredMode | undefined> {
    return unavailable(async () => {
      const found = await readVersioned(this.#connection, this.#key);
      return found && { ...parseModeState(found.json), version: versionIn(found.id) };
    }, 'MODE_STORE_UNAVAILABLE');
  }

  async save(state: ModeState, expectedVersion: number): Promise<boolean> {
    return unavailable(() => this.#save(state, expectedVersion), 'MODE_STORE_UNAVAILABLE');
  }

  async #save(state: ModeState, expectedVersion: number): Promise<boolean> {
    assertModeState(state);
    const id = `0-${expectedVersion + 1}`;
    const nonce = encodeBase64url(defaultProvider().randomBytes(12)); // tells our write from an equal one of another instance
    const json = asciiJson({ ...state, nonce });
    try {
      await writeVersioned(this.#connection, this.#key, { id, json });
    } catch (error) {
      // Refused because of the version, or for another reason: what is there now tells, whatever the words of the error.
      const now = await readVersioned(this.#connection, this.#key);
      if (now?.json !== json) {
        if (now && versionIn(now.id) !== expectedVersion) return false;
        throw error;
      }
      // The client sent it twice, because the connection broke before the first answer.
    }
    const told = this.#connection.call(this.#channel, ['PUBLISH', this.#channel, id]);
    await told.catch(() => {}); // it is written; the others ask
    return true;
  }

  onChange(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    const stop = this.#feed.listen();
    return () => {
      this.#listeners.delete(own);
      stop();
    };
  }
}

const versionIn = (id: string): number => Number(id.split('-')[1]);
