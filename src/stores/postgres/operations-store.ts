import type { OperationsStore, StoredDocument } from '../../adapters/operations/store.js';
import { Deadline } from '../../util/deadline.js';
import { checkOptions, integerIn, requireOption } from '../../util/options.js';
import { escaped, unescaped } from '../ascii-json.js';
import { isPool } from './pool-option.js';
import { isTableName, tableName } from './table-name.js';
import { PostgresTables } from './tables.js';
import type { PostgresPool } from './types.js';

/** Options of {@link PostgresOperationsStore}. */
export interface PostgresOperationsStoreOptions {
  /** A `Pool` of the package `pg`; it stays yours to end. */
  readonly pool: PostgresPool;
  /** At most 50 lower-case letters, digits and `_`, with a schema before a dot if need be. Default `xlink_operations`. Services need tables of their own. */
  readonly table?: string;
  /** How long a call may take in all, in ms. Default 1000. */
  readonly timeoutMs?: number;
}

const DEFAULT_TABLE = 'xlink_operations';

/**
 * Invitations, and how keys are used, in PostgreSQL (10 or later): a row for each document, which is changed only if its version is the
 * expected one. The table is made, or brought to the latest version, at the first call; a role that may not do that
 * needs `migrate()` run by one that may.
 */
export class PostgresOperationsStore implements OperationsStore {
  readonly #tables: PostgresTables;
  readonly #table: string;
  readonly #timeoutMs: number;

  /** Throws `INVALID_OPTION`. */
  constructor(options: PostgresOperationsStoreOptions) {
    checkOptions('PostgresOperationsStore', options, {
      pool: isPool,
      table: isTableName,
      timeoutMs: integerIn(1, 600_000),
    });
    requireOption('PostgresOperationsStore', options, 'pool');
    const { pool, table = DEFAULT_TABLE, timeoutMs = 1000 } = options;
    this.#table = tableName(table);
    this.#timeoutMs = timeoutMs;
    this.#tables = new PostgresTables({
      pool,
      store: 'operations-store',
      owner: 'PostgresOperationsStore',
      defaultTable: DEFAULT_TABLE,
      table,
      newDeadline: () => this.#newDeadline(),
    });
  }

  /**
   * Makes the table, or brings it to the latest version; any number of instances may do so at once. May take a minute.
   * Rejects with `OPERATIONS_STORE_UNAVAILABLE`, whose hint says what to run if this role may not do it.
   */
  migrate(): Promise<void> {
    return this.#tables.migrate('OPERATIONS_STORE_UNAVAILABLE');
  }

  async load(id: string): Promise<StoredDocument | undefined> {
    const sql = `SELECT version::text AS version, value FROM ${this.#table} WHERE kind = $1 AND id = $2`;
    const [row] = await this.#query(sql, keyOf(id));
    return row && { id, json: unescaped(row['value']!), version: Number(row['version']) };
  }

  async list(kind: string): Promise<readonly StoredDocument[]> {
    const sql = `SELECT id, version::text AS version, value FROM ${this.#table} WHERE kind = $1`;
    const rows = await this.#query(sql, [kind]);
    return rows.map((row) => ({
      id: `${kind}/${unescaped(row['id']!)}`,
      json: unescaped(row['value']!),
      version: Number(row['version']),
    }));
  }

  async save(id: string, json: string, expectedVersion: number): Promise<boolean> {
    const sql =
      expectedVersion === 0
        ? `INSERT INTO ${this.#table} (kind, id, version, value) VALUES ($1, $2, $3::bigint + 1, $4) ON CONFLICT DO NOTHING RETURNING id`
        : `UPDATE ${this.#table} SET version = version + 1, value = $4, changed_at = now() WHERE kind = $1 AND id = $2 AND version = $3::bigint RETURNING id`;
    return (await this.#query(sql, [...keyOf(id), expectedVersion, escaped(json)])).length === 1;
  }

  async remove(id: string, expectedVersion: number): Promise<boolean> {
    const sql = `DELETE FROM ${this.#table} WHERE kind = $1 AND id = $2 AND version = $3::bigint RETURNING id`;
    return (await this.#query(sql, [...keyOf(id), expectedVersion])).length === 1;
  }

  #query(sql: string, values: readonly unknown[]) {
    return this.#tables.query(this.#newDeadline(), sql, values);
  }

  #newDeadline(): Deadline {
    const ms = this.#timeoutMs;
    return new Deadline(ms, () => new Error(`PostgreSQL did not answer within ${ms} ms.`));
  }
}

/** Kind and name. */
function keyOf(id: string): readonly [string, string] {
  const [kind, ...name] = id.split('/');
  return [kind!, escaped(name.join('/'))];
}
