import type { OnWarning } from '../../agent/warnings.js';
import type { TicketKeyStore } from '../../session/ports.js';
import { checkOptions, integerIn, isFunction, requireOption } from '../../util/options.js';
import { unavailable } from '../unavailable.js';
import { claimCommand } from './claim-script.js';
import { isRedisClient, type RedisClient } from './client.js';
import { isRedisKey } from './commands.js';
import { RedisConnection } from './connection.js';

/** Options of {@link RedisTicketKeyStore}. */
export interface RedisTicketKeyStoreOptions {
  /** A client or cluster of `ioredis` or `redis` (node-redis); it stays yours to end. */
  readonly client: RedisClient;
  /** In front of every key. 1 to 128 characters without spaces and braces. Default `xlink:ticket-key:`. Services may share it. */
  readonly keyPrefix?: string;
  /** How long Redis may take for one call, in ms. Default 250. */
  readonly timeoutMs?: number;
  /** Told if the client lacks time limits, or Redis may evict. Default: printed, once in a process. */
  readonly onWarning?: OnWarning;
}

/**
 * The keys of tickets in Redis, shared by all instances: sealed under the seed of the service, and kept for half an hour or so. **Use a Redis that
 * writes nothing to its disk** (`save ""`, `appendonly no`), and no backups of it: who has an old key and the seed opens what was sent in
 * its sessions. If Redis loses the keys, clients open new sessions.
 */
export class RedisTicketKeyStore implements TicketKeyStore {
  readonly #connection: RedisConnection<'RedisTicketKeyStore'>;
  readonly #keyPrefix: string;

  /** Throws `INVALID_OPTION`, also for a client of any other kind. */
  constructor(options: RedisTicketKeyStoreOptions) {
    checkOptions('RedisTicketKeyStore', options, {
      client: isRedisClient,
      keyPrefix: isRedisKey,
      timeoutMs: integerIn(1, 60_000),
      onWarning: isFunction,
    });
    requireOption('RedisTicketKeyStore', options, 'client');
    const { client, timeoutMs = 250, onWarning } = options;
    this.#connection = new RedisConnection('RedisTicketKeyStore', { client, timeoutMs, onWarning });
    this.#keyPrefix = this.#connection.keyPrefix + (options.keyPrefix ?? 'xlink:ticket-key:');
  }

  /** Rejects with `SESSION_STORE_UNAVAILABLE`. */
  async keep(name: string, sealed: string, ttlMs: number): Promise<string> {
    const key = this.#keyPrefix + name;
    return unavailable(
      async () => text(await this.#connection.call(key, claimCommand(key, sealed, Math.ceil(ttlMs)))),
      'SESSION_STORE_UNAVAILABLE',
    );
  }

  /** Rejects with `SESSION_STORE_UNAVAILABLE`. */
  async read(name: string): Promise<string | undefined> {
    const key = this.#keyPrefix + name;
    return unavailable(async () => {
      const kept = await this.#connection.call(key, ['GET', key]);
      return kept === null ? undefined : text(kept);
    }, 'SESSION_STORE_UNAVAILABLE');
  }
}

function text(kept: unknown): string {
  if (typeof kept !== 'string') throw new TypeError('Redis answered with something else than a text.');
  return kept;
}
