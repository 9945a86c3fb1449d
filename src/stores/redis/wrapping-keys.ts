import type { OnWarning } from '../../agent/warnings.js';
import type { WrappingKeyStore } from '../../identity/key-store.js';
import { orKeyStoreError } from '../../identity/key-store-error.js';
import { parseWrappingKey, wrappingKeyText } from '../../identity/stored-epochs.js';
import { checkOptions, integerIn, isFunction, requireOption } from '../../util/options.js';
import { isRedisClient, type RedisClient } from './client.js';
import { isRedisKey } from './commands.js';
import { RedisConnection } from './connection.js';

/** Options of {@link RedisWrappingKeyStore}. */
export interface RedisWrappingKeyStoreOptions {
  /** A client or cluster of another Redis than the one that holds what the keys wrap; it stays yours to end. */
  readonly client: RedisClient;
  /** 1 to 128 characters without spaces and braces. Default `xlink:wrapping-keys`. Identities may share it. */
  readonly key?: string;
  /** How long Redis may take for one command, in ms. Default 1000. */
  readonly timeoutMs?: number;
  /** Told if the client lacks time limits, or Redis may evict. Default: printed, once in a process. */
  readonly onWarning?: OnWarning;
}

/** Takes the place of a key before it is deleted: of the same length, so that Redis writes it over the key in memory. */
const NOTHING = 'A'.repeat(43);

/**
 * Wrapping keys in Redis: a hash. A key that is destroyed is overwritten, then deleted. What Redis wrote to its disk before holds it
 * until `BGREWRITEAOF` or the next snapshot, and so do copies of that: use a Redis without backups, and rewrite after erasures.
 */
export class RedisWrappingKeyStore implements WrappingKeyStore {
  readonly #key: string;
  readonly #connection: RedisConnection<'RedisWrappingKeyStore'>;

  /** Throws `INVALID_OPTION`, also for a client of any other kind. */
  constructor(options: RedisWrappingKeyStoreOptions) {
    checkOptions('RedisWrappingKeyStore', options, {
      client: isRedisClient,
      key: isRedisKey,
      timeoutMs: integerIn(1, 600_000),
      onWarning: isFunction,
    });
    requireOption('RedisWrappingKeyStore', options, 'client');
    const { client, key = 'xlink:wrapping-keys', timeoutMs = 1000, onWarning } = options;
    this.#connection = new RedisConnection('RedisWrappingKeyStore', { client, timeoutMs, onWarning });
    this.#key = this.#connection.keyPrefix + key;
  }

  async put(id: string, key: Uint8Array): Promise<void> {
    await this.#call(['HSET', this.#key, id, wrappingKeyText(key)]);
  }

  async get(id: string): Promise<Uint8Array | undefined> {
    const text = await this.#call(['HGET', this.#key, id]);
    return text === null ? undefined : orKeyStoreError(() => parseWrappingKey(text));
  }

  async destroy(id: string): Promise<void> {
    await orKeyStoreError(() =>
      this.#connection.inOrder([
        [this.#key, ['HSET', this.#key, id, NOTHING]],
        [this.#key, ['HDEL', this.#key, id]],
      ]),
    );
  }

  async ids(): Promise<readonly string[]> {
    return ((await this.#call(['HKEYS', this.#key])) as unknown[]).map(String);
  }

  #call(command: readonly [name: 'HSET' | 'HGET' | 'HKEYS', ...args: string[]]): Promise<unknown> {
    return orKeyStoreError(() => this.#connection.call(this.#key, command));
  }
}
