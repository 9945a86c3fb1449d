import type { TicketKeyStore } from '../../session/ports.js';
import { Deadline } from '../../util/deadline.js';
import { checkOptions, integerIn, requireOption } from '../../util/options.js';
import { unavailable } from '../unavailable.js';
import { isPool } from './pool-option.js';
import { isTableName, tableName } from './table-name.js';
import { PostgresTables } from './tables.js';
import type { PostgresPool, Row } from './types.js';

/** Options of {@link PostgresTicketKeyStore}. */
export interface PostgresTicketKeyStoreOptions {
  /** A `Pool` of the package `pg`; it stays yours to end. */
  readonly pool: PostgresPool;
  /**
   * At most 50 lower-case letters, digits and `_`, with a schema before a dot if need be. Default `xlink_ticket_keys`. Services may share
   * it.
   */
  readonly table?: string;
  /** How long a call may take in all, in ms. Default 1000. */
  readonly timeoutMs?: number;
}

const DEFAULT_TABLE = 'xlink_ticket_keys';

/**
 * The keys of tickets in PostgreSQL (10 or later), shared by all instances: sealed under the seed of the service, and kept for half an hour
 * or so. Every call deletes what is over. The table is unlogged, so its rows are in no WAL, no archive, no replica and no base backup, and
 * it is vacuumed as soon as a row is gone; leave it out of dumps (`pg_dump --no-unlogged-table-data`): who has an old key **and** the seed
 * opens what was sent in its sessions. If a crash empties the table, clients open new sessions. The table is made, or brought to the latest
 * version, at the first call; a role that may not do that needs `migrate()` run by one that may.
 */
export class PostgresTicketKeyStore implements TicketKeyStore {
  readonly #tables: PostgresTables;
  readonly #table: string;
  readonly #timeoutMs: number;

  /** Throws `INVALID_OPTION`. */
  constructor(options: PostgresTicketKeyStoreOptions) {
    checkOptions('PostgresTicketKeyStore', options, {
      pool: isPool,
      table: isTableName,
      timeoutMs: integerIn(1, 600_000),
    });
    requireOption('PostgresTicketKeyStore', options, 'pool');
    const { pool, table = DEFAULT_TABLE, timeoutMs = 1000 } = options;
    this.#table = tableName(table);
    this.#timeoutMs = timeoutMs;
    this.#tables = new PostgresTables({
      pool,
      store: 'ticket-key-store',
      owner: 'PostgresTicketKeyStore',
      defaultTable: DEFAULT_TABLE,
      table,
      newDeadline: () => this.#newDeadline(),
    });
  }

  /**
   * Makes the table, or brings it to the latest version; any number of instances may do so at once. May take a minute.
   * Rejects with `SESSION_STORE_UNAVAILABLE`, whose hint says what to run if this role may not do it.
   */
  migrate(): Promise<void> {
    return this.#tables.migrate('SESSION_STORE_UNAVAILABLE');
  }

  /** Rejects with `SESSION_STORE_UNAVAILABLE`. */
  async keep(name: string, sealed: string, ttlMs: number): Promise<string> {
    // An update in any case: so the row is returned also where another instance was faster.
    const sql = `WITH gone AS (DELETE FROM ${this.#table} WHERE expires_at <= clock_timestamp() AND name <> $1)
      INSERT INTO ${this.#table} AS kept (name, sealed, expires_at)
      VALUES ($1, $2, clock_timestamp() + $3::double precision * interval '1 millisecond')
      ON CONFLICT (name) DO UPDATE SET
        sealed = CASE WHEN kept.expires_at > clock_timestamp() THEN kept.sealed ELSE excluded.sealed END,
        expires_at = CASE WHEN kept.expires_at > clock_timestamp() THEN kept.expires_at ELSE excluded.expires_at END
      RETURNING sealed`;
    return (await this.#ask(sql, [name, sealed, ttlMs]))!['sealed']!;
  }

  /** Rejects with `SESSION_STORE_UNAVAILABLE`. */
  async read(name: string): Promise<string | undefined> {
    const sql = `WITH gone AS (DELETE FROM ${this.#table} WHERE expires_at <= clock_timestamp())
      SELECT sealed FROM ${this.#table} WHERE name = $1 AND expires_at > clock_timestamp()`;
    return (await this.#ask(sql, [name]))?.['sealed'] ?? undefined;
  }

  #ask(sql: string, values: readonly unknown[]): Promise<Row | undefined> {
    const ask = async () => (await this.#tables.query(this.#newDeadline(), sql, values))[0];
    return unavailable(ask, 'SESSION_STORE_UNAVAILABLE');
  }

  #newDeadline(): Deadline {
    const ms = this.#timeoutMs;
    return new Deadline(ms, () => new Error(`PostgreSQL did not answer within ${ms} ms.`));
  }
}
