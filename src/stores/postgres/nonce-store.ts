import { nonceKey } from '../../nonce/nonce-key.js';
import type { NonceStore, NonceUse } from '../../types/ports.js';
import { checkOptions, integerIn, requireOption } from '../../util/options.js';
import { PostgresClaims } from './claims.js';
import { isPool } from './pool-option.js';
import { isTableName } from './table-name.js';
import type { PostgresPool } from './types.js';

/** Options of {@link PostgresNonceStore}. */
export interface PostgresNonceStoreOptions {
  /** A `Pool` of the package `pg`; it stays yours to end. */
  readonly pool: PostgresPool;
  /**
   * At most 50 lower-case letters, digits and `_`, with a schema before a dot if need be. Default `xlink_nonces`. Services may share it:
   * the recipient is part of a key.
   */
  readonly table?: string;
  /**
   * The least time a nonce is kept, in seconds; a longer time that the agent asks for counts. Default 600: instances whose
   * `timestampWindowMs` differ are safe with each other up to a window of 299 seconds.
   */
  readonly ttlSeconds?: number;
  /** How long a call may take in all, in ms. Default 1000: an envelope takes two calls. */
  readonly timeoutMs?: number;
}

const DEFAULT_TABLE = 'xlink_nonces';
const DEFAULT_TTL_SECONDS = 600;

/**
 * Nonces in PostgreSQL (10 or later), shared by all instances of an API that has no Redis: a row for each, made by one
 * `INSERT … ON CONFLICT DO NOTHING`, so of any number of simultaneous copies one is accepted. Rows go when they are over, by the
 * clock of the server.
 *
 * Fails closed: while PostgreSQL is down, slow or refuses, calls reject with `NONCE_STORE_UNAVAILABLE` (`cause` kept). A server that is not
 * what it was accepts nothing again: the tables are unlogged, so a crash and a promoted replica leave them empty, and beside them stands since
 * when they remember, by the clock of the server, and of which start of the server and which file of the table that is true.
 * What does not fit is dated anew, so also after a restart, a restored backup, `TRUNCATE` and `VACUUM FULL`; what was sealed before
 * that time is refused with `NONCE_STORE_UNAVAILABLE:COLD_START`, and a client that seals anew gets through.
 *
 * **What PostgreSQL must promise all the same**, as it is not noticed: one primary at a time, its clock, and that nobody deletes or changes
 * rows by hand.
 *
 * The tables are made, or brought to the latest version, at once; a role that may not do that needs `migrate()` run by one that may.
 */
export class PostgresNonceStore implements NonceStore {
  readonly #claims: PostgresClaims;
  readonly #minTtlMs: number;

  /** Begins to remember at once. Throws `INVALID_OPTION`. */
  constructor(options: PostgresNonceStoreOptions) {
    checkOptions('PostgresNonceStore', options, {
      pool: isPool,
      table: isTableName,
      ttlSeconds: integerIn(1, 31_536_000),
      timeoutMs: integerIn(1, 600_000),
    });
    requireOption('PostgresNonceStore', options, 'pool');
    const { pool, table = DEFAULT_TABLE, timeoutMs = 1000 } = options;
    this.#minTtlMs = (options.ttlSeconds ?? DEFAULT_TTL_SECONDS) * 1000;
    this.#claims = new PostgresClaims({
      pool,
      store: 'nonce-store',
      owner: 'PostgresNonceStore',
      defaultTable: DEFAULT_TABLE,
      table,
      timeoutMs,
    });
  }

  /**
   * Makes the tables, or brings them to the latest version; any number of instances may do so at once. May take a minute.
   * Rejects with `NONCE_STORE_UNAVAILABLE`, whose hint says what to run if this role may not do it.
   */
  migrate(): Promise<void> {
    return this.#claims.migrate();
  }

  /** Reads only. Rejects with `NONCE_STORE_UNAVAILABLE`. */
  seen(use: NonceUse): Promise<boolean> {
    return this.#claims.has({ name: nonceKey(use), timestamp: use.timestamp });
  }

  /**
   * Rejects with `NONCE_STORE_UNAVAILABLE`, also if PostgreSQL lost its data after the envelope was made: then the claim does not count,
   * though the nonce is taken.
   */
  claim(use: NonceUse, ttlMs: number): Promise<boolean> {
    const lifetimeMs = Math.max(ttlMs, this.#minTtlMs);
    return this.#claims.claim({ name: nonceKey(use), timestamp: use.timestamp }, lifetimeMs);
  }
}
