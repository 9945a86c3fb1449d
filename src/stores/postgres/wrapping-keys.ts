import type { WrappingKeyStore } from '../../identity/key-store.js';
import { orKeyStoreError } from '../../identity/key-store-error.js';
import { parseWrappingKey, wrappingKeyText } from '../../identity/stored-epochs.js';
import { Deadline } from '../../util/deadline.js';
import { checkOptions, integerIn, requireOption } from '../../util/options.js';
import { isPool } from './pool-option.js';
import { isTableName, tableName } from './table-name.js';
import { PostgresTables } from './tables.js';
import type { PostgresPool, Row } from './types.js';

/** Options of {@link PostgresWrappingKeyStore}. */
export interface PostgresWrappingKeyStoreOptions {
  /** A `Pool` of the package `pg`, to another server than the one that holds what the keys wrap; it stays yours to end. */
  readonly pool: PostgresPool;
  /**
   * At most 50 lower-case letters, digits and `_`, with a schema before a dot if need be. Default `xlink_wrapping_keys`. Identities may
   * share it.
   */
  readonly table?: string;
  /** How long a call may take in all, in ms. Default 1000. */
  readonly timeoutMs?: number;
}

const DEFAULT_TABLE = 'xlink_wrapping_keys';

/**
 * Wrapping keys in PostgreSQL (10 or later). A key that is destroyed is set to null, then its row is deleted. The server keeps the old
 * versions of the row until `VACUUM`, the key in its WAL until that is recycled, and backups and archives hold it for as long as
 * they are kept: use a server without archive and backup for this table. The table is made at the first call, as with the other stores.
 */
export class PostgresWrappingKeyStore implements WrappingKeyStore {
  readonly #tables: PostgresTables;
  readonly #table: string;
  readonly #timeoutMs: number;

  /** Throws `INVALID_OPTION`. */
  constructor(options: PostgresWrappingKeyStoreOptions) {
    checkOptions('PostgresWrappingKeyStore', options, {
      pool: isPool,
      table: isTableName,
      timeoutMs: integerIn(1, 600_000),
    });
    requireOption('PostgresWrappingKeyStore', options, 'pool');
    const { pool, table = DEFAULT_TABLE, timeoutMs = 1000 } = options;
    this.#table = tableName(table);
    this.#timeoutMs = timeoutMs;
    this.#tables = new PostgresTables({
      pool,
      store: 'wrapping-key-store',
      owner: 'PostgresWrappingKeyStore',
      defaultTable: DEFAULT_TABLE,
      table,
      newDeadline: () => this.#newDeadline(),
    });
  }

  /**
   * Makes the table, or brings it to the latest version; any number of instances may do so at once. May take a minute.
   * Rejects with `KEY_STORE_UNAVAILABLE`, whose hint says what to run if this role may not do it.
   */
  migrate(): Promise<void> {
    return this.#tables.migrate('KEY_STORE_UNAVAILABLE');
  }

  async put(id: string, key: Uint8Array): Promise<void> {
    await this.#query(`INSERT INTO ${this.#table} (id, key) VALUES ($1, $2)`, [id, wrappingKeyText(key)]);
  }

  async get(id: string): Promise<Uint8Array | undefined> {
    const [row] = await this.#query(`SELECT key FROM ${this.#table} WHERE id = $1`, [id]);
    const text = row?.['key'];
    return text == null ? undefined : orKeyStoreError(() => parseWrappingKey(text));
  }

  async destroy(id: string): Promise<void> {
    await this.#query(`UPDATE ${this.#table} SET key = NULL WHERE id = $1`, [id]);
    await this.#query(`DELETE FROM ${this.#table} WHERE id = $1`, [id]);
  }

  async ids(): Promise<readonly string[]> {
    return (await this.#query(`SELECT id FROM ${this.#table}`, [])).map((row) => row['id']!);
  }

  #query(sql: string, values: readonly unknown[]): Promise<Row[]> {
    return orKeyStoreError(() => this.#tables.query(this.#newDeadline(), sql, values));
  }

  #newDeadline(): Deadline {
    const ms = this.#timeoutMs;
    return new Deadline(ms, () => new Error(`PostgreSQL did not answer within ${ms} ms.`));
  }
}
