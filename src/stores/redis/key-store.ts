import { defaultProvider } from '#provider';
import type { OnWarning } from '../../agent/warnings.js';
import { xlinkError } from '../../errors/service-errors.js';
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
 * Answers with the name of the call if the version was the expected one, and the new one is written: an answer that belongs to
 * another command can never be that. Else nothing is written.
 */
const COMPARE_AND_SET = `if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[1] then return '' end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'epochs', ARGV[3])
return ARGV[4]`;

/**
 * Encryption keys by epoch in Redis (5 or later) or a Redis Cluster, for all instances of a service: a hash, which a script of three
 * lines changes only if its version is the expected one. What is in it opens nothing without the seed and the wrapping keys.
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
      const found = await this.#read();
      return found && { value: parseStoredEpochs(found.json), version: found.version };
    });
  }

  save(value: StoredEpochs, expectedVersion: number): Promise<boolean> {
    return orKeyStoreError(async () => {
      const nonce = encodeBase64url(defaultProvider().randomBytes(12)); // tells our write from an equal one of another instance
      const json = asciiJson({ ...value, nonce });
      const versions = [expectedVersion, expectedVersion + 1].map(String);
      const answer = await this.#connection.call(this.#key, [
        'EVAL',
        COMPARE_AND_SET,
        '1',
        this.#key,
        ...versions,
        json,
        nonce,
      ]);
      // A client that sends it twice, because the connection broke before the first answer, is refused by what it wrote itself.
      return answer === nonce || (await this.#read())?.json === json;
    });
  }

  async #read(): Promise<{ readonly version: number; readonly json: string } | undefined> {
    const reply = await this.#connection.call(this.#key, ['HMGET', this.#key, 'version', 'epochs']);
    const [version, json] = reply as unknown[];
    if (version === null && json === null) return undefined;
    if (typeof version !== 'string' || !/^[1-9]\d{0,14}$/.test(version) || typeof json !== 'string')
      throw xlinkError('KEY_STORE_DAMAGED');
    return { version: Number(version), json };
  }
}
