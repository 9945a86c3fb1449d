import { defaultProvider } from '#provider';
import type { OnWarning } from '../../agent/warnings.js';
import {
  isWrappingKeyStore,
  type KeyStore,
  type StoredEpochs,
  type WrappingKeyStore,
} from '../../identity/key-store.js';
import { orKeyStoreError } from '../../identity/key-store-error.js';
import { parseStoredEpochs } from '../../identity/stored-epochs.js';
import { encodeBase64url } from '../../util/base64url.js';
import { checkOptions, integerIn, isFunction, requireOption } from '../../util/options.js';
import { asciiJson } from '../ascii-json.js';
import { isRedisClient, type RedisClient } from './client.js';
import { isRedisKey } from './commands.js';
import { RedisConnection } from './connection.js';
import { readVersioned, type VersionedValue, writeVersioned } from './versioned-key.js';

/** Options of {@link RedisKeyStore}. */
export interface RedisKeyStoreOptions {
  /** A client or cluster of `ioredis` or `redis` (node-redis), made with `redisClientOptions`; it stays yours to end. */
  readonly client: RedisClient;
  /**
   * Where the wrapping keys are: another place, so that no copy (append-only file, snapshot, replica, backup) holds both. A
   * `FileWrappingKeyStore` where all instances share a volume, a `PostgresWrappingKeyStore`, or a `RedisWrappingKeyStore` over
   * another Redis. There is no default.
   */
  readonly wrappingKeys: WrappingKeyStore;
  /** 1 to 128 characters without spaces and braces. Default `xlink:keys`. Each identity needs a key of its own. */
  readonly key?: string;
  /** How long Redis may take for one command, in ms. Default 1000. */
  readonly timeoutMs?: number;
  /** Told if the client lacks time limits, or Redis may evict. Default: printed, once in a process. */
  readonly onWarning?: OnWarning;
}

/**
 * Encryption keys by epoch in Redis (5 or later) or a Redis Cluster, for all instances of a service: a stream of one item, whose
 * id is the version. `XADD` with the id of the next version is refused by Redis if that is there already: compare-and-set in
 * one command on one key, without a script. What is in it opens nothing without the seed and the wrapping keys.
 *
 * Redis must keep what it acknowledged: `appendonly yes`, `appendfsync always`, `maxmemory-policy noeviction`. Instances refuse a
 * Redis that is behind what they have seen or the registry has (`KEY_STORE_ROLLED_BACK`).
 */
export class RedisKeyStore implements KeyStore {
  readonly wrappingKeys: WrappingKeyStore;
  readonly #key: string;
  readonly #connection: RedisConnection<'RedisKeyStore'>;

  /** Throws `INVALID_OPTION`, also for a client of any other kind. */
  constructor(options: RedisKeyStoreOptions) {
    checkOptions('RedisKeyStore', options, {
      client: isRedisClient,
      wrappingKeys: isWrappingKeyStore,
      key: isRedisKey,
      timeoutMs: integerIn(1, 600_000),
      onWarning: isFunction,
    });
    requireOption('RedisKeyStore', options, 'client');
    requireOption('RedisKeyStore', options, 'wrappingKeys');
    const { client, wrappingKeys, key = 'xlink:keys', timeoutMs = 1000, onWarning } = options;
    this.wrappingKeys = wrappingKeys;
    this.#connection = new RedisConnection('RedisKeyStore', { client, timeoutMs, onWarning });
    this.#key = this.#connection.keyPrefix + key;
  }

  load() {
    return orKeyStoreError(async () => {
      const found = await readVersioned(this.#connection, this.#key);
      return found && { value: parseStoredEpochs(found.json), version: versionOf(found) };
    });
  }

  save(value: StoredEpochs, expectedVersion: number): Promise<boolean> {
    return orKeyStoreError(() => this.#save(value, expectedVersion));
  }

  async #save(value: StoredEpochs, expectedVersion: number): Promise<boolean> {
    const id = `0-${expectedVersion + 1}`;
    const nonce = encodeBase64url(defaultProvider().randomBytes(12)); // tells our write from an equal one of another instance
    const json = asciiJson({ ...value, nonce });
    try {
      await writeVersioned(this.#connection, this.#key, { id, json });
    } catch (error) {
      // Refused because of the version, or for another reason: what is there now tells, whatever the words of the error.
      const now = await readVersioned(this.#connection, this.#key);
      if (now?.json !== json) {
        if (now && versionOf(now) !== expectedVersion) return false;
        throw error;
      }
      // The client sent it twice, because the connection broke before the first answer.
    }
    return true;
  }
}

const versionOf = ({ id }: VersionedValue): number => Number(id.split('-')[1]);
