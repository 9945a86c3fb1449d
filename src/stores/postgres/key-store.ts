import {
  isWrappingKeyStore,
  type KeyStore,
  type StoredEpochs,
  type WrappingKeyStore,
} from '../../identity/key-store.js';
import { orKeyStoreError } from '../../identity/key-store-error.js';
import { parseStoredEpochs } from '../../identity/stored-epochs.js';
import { Deadline } from '../../util/deadline.js';
import { checkOptions, integerIn, isString, requireOption } from '../../util/options.js';
import { asciiJson, escaped } from '../ascii-json.js';
import { isPool } from './pool-option.js';
import { isTableName, tableName } from './table-name.js';
import { PostgresTables } from './tables.js';
import type { PostgresPool } from './types.js';

/** Options of {@link PostgresKeyStore}. */
export interface PostgresKeyStoreOptions {
  /** A `Pool` of the package `pg`; it stays yours to end. */
  readonly pool: PostgresPool;
  /**
   * Where the wrapping keys are: another place, so that no copy (backup, WAL archive, replica) holds both. A `FileWrappingKeyStore` where
   * all instances share a volume, a `RedisWrappingKeyStore`, or a `PostgresWrappingKeyStore` over another server. There is no default.
   */
  readonly wrappingKeys: WrappingKeyStore;
  /** At most 50 lower-case letters, digits and `_`, with a schema before a dot if need be. Default `xlink_keys`. */
  readonly table?: string;
  /** Which row: tells services apart, each identity needs one of its own. Default `service`. */
  readonly name?: string;
  /** How long a call may take in all, in ms. Default 1000. */
  readonly timeoutMs?: number;
}

const DEFAULT_TABLE = 'xlink_keys';

/**
 * Encryption keys by epoch in PostgreSQL (10 or later), for all instances of a service: a row, which is changed only if its
 * version is the expected one. What is in it opens nothing without the seed and the wrapping keys. The table is made, or brought to the
 * latest version, at the first call; a role that may not do that needs `migrate()` run by one that may.
 */
export class PostgresKeyStore implements KeyStore {
  readonly wrappingKeys: WrappingKeyStore;
  readonly #tables: PostgresTables;
  readonly #table: string;
  readonly #name: string;
  readonly #timeoutMs: number;

  /** Throws `INVALID_OPTION`. */
  constructor(options: PostgresKeyStoreOptions) {
    checkOptions('PostgresKeyStore', options, {
      pool: isPool,
      wrappingKeys: isWrappingKeyStore,
      table: isTableName,
      name: isString,
      timeoutMs: integerIn(1, 600_000),
    });
    requireOption('PostgresKeyStore', options, 'pool');
    requireOption('PostgresKeyStore', options, 'wrappingKeys');
    const { pool, wrappingKeys, table = DEFAULT_TABLE, name = 'service', timeoutMs = 1000 } = options;
    this.wrappingKeys = wrappingKeys;
    this.#table = tableName(table);
    this.#name = escaped(name);
    this.#timeoutMs = timeoutMs;
    this.#tables = new PostgresTables({
      pool,
      store: 'key-store',
      owner: 'PostgresKeyStore',
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

  load() {
    return orKeyStoreError(async () => {
      const sql = `SELECT version::text AS version, epochs::text AS json FROM ${this.#table} WHERE name = $1`;
      const [row] = await this.#tables.query(this.#newDeadline(), sql, [this.#name]);
      return row && { value: parseStoredEpochs(row['json']!), version: Number(row['version']) };
    });
  }

  save(value: StoredEpochs, expectedVersion: number): Promise<boolean> {
    return orKeyStoreError(async () => {
      const sql =
        expectedVersion === 0
          ? `INSERT INTO ${this.#table} (name, version, epochs) VALUES ($1, $2::bigint + 1, $3::json) ON CONFLICT (name) DO NOTHING RETURNING name`
          : `UPDATE ${this.#table} SET version = version + 1, epochs = $3::json, changed_at = now() WHERE name = $1 AND version = $2::bigint RETURNING name`;
      const values = [this.#name, expectedVersion, asciiJson(value)];
      return (await this.#tables.query(this.#newDeadline(), sql, values)).length === 1;
    });
  }

  #newDeadline(): Deadline {
    const ms = this.#timeoutMs;
    return new Deadline(ms, () => new Error(`PostgreSQL did not answer within ${ms} ms.`));
  }
}
