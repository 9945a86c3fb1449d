import { defaultProvider } from '#provider';
import {
  type ModeState,
  type ModeStore,
  parseModeState,
  type StoredMode,
} from '../../adapters/modes/store.js';
import { encodeBase64url } from '../../util/base64url.js';
import { Deadline } from '../../util/deadline.js';
import { checkOptions, integerIn, requireOption } from '../../util/options.js';
import { asciiJson } from '../ascii-json.js';
import { ChangeFeed } from '../change-feed.js';
import type { RedisClient } from './client.js';
import { RedisConnection } from './connection.js';
import { isKey, isRedisClient } from './options.js';
import { type RedisCommands, redisCommands } from './stream-commands.js';
import { subscribe } from './subscription.js';

/** Options of {@link RedisModeStore}. */
export interface RedisModeStoreOptions {
  /** A connected client or cluster of `ioredis` or `redis` (node-redis), version 5 or later; it stays yours to end. */
  readonly client: RedisClient;
  /** A client whose settings the connection for changes is made with: it is duplicated, not used itself. Default `client`. */
  readonly subscriber?: RedisClient;
  /** 1 to 128 characters without spaces and braces. Default `xlink:mode`. APIs that move on by themselves need keys of their own. */
  readonly key?: string;
  /** How long Redis may take for one command, in ms. Default 1000. */
  readonly timeoutMs?: number;
  /** How often the connection that listens is tried, in ms. Default 5000: a frozen network goes unnoticed for that long. */
  readonly heartbeatMs?: number;
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
  readonly #commands: RedisCommands;
  readonly #connection: RedisConnection;
  readonly #listeners = new Set<() => void>();
  readonly #feed: ChangeFeed;

  /** Throws `INVALID_OPTION`, also for a client of any other kind. */
  constructor(options: RedisModeStoreOptions) {
    checkOptions('RedisModeStore', options, {
      client: isRedisClient,
      subscriber: isRedisClient,
      key: isKey,
      timeoutMs: integerIn(1, 600_000),
      heartbeatMs: integerIn(10, 600_000),
    });
    requireOption('RedisModeStore', options, 'client');
    const { client, subscriber = client, key = 'xlink:mode', timeoutMs = 1000, heartbeatMs = 5000 } = options;
    this.#key = key;
    this.#commands = redisCommands(client, timeoutMs);
    this.#connection = new RedisConnection(client, timeoutMs);
    this.#feed = new ChangeFeed({
      open: (heard, lost) =>
        subscribe(
          subscriber,
          { channel: key, heard, lost },
          new Deadline(timeoutMs, () => new Error(`Redis did not answer within ${timeoutMs} ms.`)),
        ),
      announce: () => {
        for (const listener of this.#listeners) listener();
      },
      timeoutMs,
      heartbeatMs,
    });
  }

  async load(): Promise<StoredMode | undefined> {
    const found = await this.#connection.send(() => this.#commands.newest(this.#key));
    return found && { ...parseModeState(found.json), version: versionIn(found.id) };
  }

  async save(state: ModeState, expectedVersion: number): Promise<boolean> {
    const id = `0-${expectedVersion + 1}`;
    const nonce = encodeBase64url(defaultProvider().randomBytes(12)); // tells our write from an equal one of another instance
    const json = asciiJson({ ...state, nonce });
    try {
      await this.#connection.send(() => this.#commands.append(this.#key, id, json));
    } catch (error) {
      // Refused because of the version, or for another reason: what is there now tells, whatever the words of the error.
      const now = await this.#connection.send(() => this.#commands.newest(this.#key));
      if (now?.json !== json) {
        if (now && versionIn(now.id) !== expectedVersion) return false;
        throw error;
      }
      // The client sent it twice, because the connection broke before the first answer.
    }
    const told = this.#connection.send(() => this.#commands.publish(this.#key, id));
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
