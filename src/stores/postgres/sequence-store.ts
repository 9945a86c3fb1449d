import type { SequenceStore, SequenceUse } from '../../session/ports.js';
import { checkOptions, integerIn, requireOption } from '../../util/options.js';
import { PostgresClaims } from './claims.js';
import { isPool } from './pool-option.js';
import { isTableName } from './table-name.js';
import type { PostgresPool } from './types.js';

/** Options of {@link PostgresSequenceStore}. */
export interface PostgresSequenceStoreOptions {
  /** A `Pool` of the package `pg`; it stays yours to end. */
  readonly pool: PostgresPool;
  /**
   * At most 50 lower-case letters, digits and `_`, with a schema before a dot if need be. Default `xlink_sequences`. Services may share
   * it.
   */
  readonly table?: string;
  /** How long a call may take in all, in ms. Default 1000. */
  readonly timeoutMs?: number;
}

const DEFAULT_TABLE = 'xlink_sequences';

/**
 * Which requests of sessions were received, in PostgreSQL (10 or later), shared by all instances: a row for each, which goes when it is
 * over, by the clock of the server.
 *
 * Fails closed, and notices what it lost, as {@link PostgresNonceStore} does by the same means: what was made before that time is refused
 * with `NONCE_STORE_UNAVAILABLE:COLD_START`. The tables are made, or brought to the latest version, at once; a role that may not do that
 * needs `migrate()` run by one that may.
 */
export class PostgresSequenceStore implements SequenceStore {
  readonly #claims: PostgresClaims;

  /** Begins to remember at once. Throws `INVALID_OPTION`. */
  constructor(options: PostgresSequenceStoreOptions) {
    checkOptions('PostgresSequenceStore', options, {
      pool: isPool,
      table: isTableName,
      timeoutMs: integerIn(1, 600_000),
    });
    requireOption('PostgresSequenceStore', options, 'pool');
    const { pool, table = DEFAULT_TABLE, timeoutMs = 1000 } = options;
    this.#claims = new PostgresClaims({
      pool,
      store: 'sequence-store',
      owner: 'PostgresSequenceStore',
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

  /**
   * Rejects with `NONCE_STORE_UNAVAILABLE`, also if PostgreSQL lost its data after the request was made: then the claim does not count,
   * though the number is taken.
   */
  claimSequence({ sender, sid, seq, timestamp }: SequenceUse, ttlMs: number): Promise<boolean> {
    return this.#claims.claim({ name: `${sender} ${sid} ${seq}`, timestamp }, ttlMs);
  }
}
