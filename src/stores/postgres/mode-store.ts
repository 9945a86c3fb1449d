import {
  assertModeState,
  type ModeState,
  type ModeStore,
  parseModeState,
  type StoredMode,
} from '../../adapters/modes/store.js';
import { ChangeFeed } from '../../registry/change-feed.js';
import { Deadline } from '../../util/deadline.js';
import { checkOptions, integerIn, isString, requireOption } from '../../util/options.js';
import { tell } from '../../util/tell.js';
import { asciiJson, escaped } from '../ascii-json.js';
import { isPool } from './pool-option.js';
import { channelOf, isTableName, tableName } from './table-name.js';
import { PostgresTables } from './tables.js';
import type { PostgresPool } from './types.js';

/** Options of {@link PostgresModeStore}. */
export interface PostgresModeStoreOptions {
  /**
   * A `Pool` of the package `pg`; it stays yours to end, after `stop()` of the shared mode: listening takes one connection,
   * which all stores over the pool share and `end()` waits for. With a `max` of 1 there is no listening, and instances ask every
   * `intervalMs`.
   */
  readonly pool: PostgresPool;
  /** At most 50 lower-case letters, digits and `_`, with a schema before a dot if need be. Default `xlink_modes`. */
  readonly table?: string;
  /** Which row: tells APIs apart that move on by themselves. Default `api`. */
  readonly api?: string;
  /** How long a call may take in all, in ms. Default 1000. */
  readonly timeoutMs?: number;
  /** How often the connection that listens is tried, in ms. Default 5000: a frozen network goes unnoticed for that long. */
  readonly heartbeatMs?: number;
}

const DEFAULT_TABLE = 'xlink_modes';

/**
 * The shared mode in PostgreSQL (10 or later): a row, which is changed only if its version is the expected one, and a
 * notification in the same transaction. The table is made, or brought to the latest version, at the first call; a role that
 * may not do that needs `migrate()` run by one that may. Notifications do not pass poolers in transaction mode (PgBouncer): instances ask every `intervalMs` then.
 */
export class PostgresModeStore implements ModeStore {
  readonly #tables: PostgresTables;
  readonly #table: string;
  readonly #channel: string;
  readonly #api: string;
  readonly #timeoutMs: number;
  readonly #listeners = new Set<() => void>();
  readonly #feed: ChangeFeed;

  /** Throws `INVALID_OPTION`. */
  constructor(options: PostgresModeStoreOptions) {
    checkOptions('PostgresModeStore', options, {
      pool: isPool,
      table: isTableName,
      api: isString,
      timeoutMs: integerIn(1, 600_000),
      heartbeatMs: integerIn(10, 600_000),
    });
    requireOption('PostgresModeStore', options, 'pool');
    const { pool, table = DEFAULT_TABLE, api = 'api', timeoutMs = 1000, heartbeatMs = 5000 } = options;
    this.#table = tableName(table);
    this.#channel = channelOf(table);
    this.#api = escaped(api);
    this.#timeoutMs = timeoutMs;
    this.#tables = new PostgresTables({
      pool,
      store: 'mode-store',
      owner: 'PostgresModeStore',
      defaultTable: DEFAULT_TABLE,
      table,
      newDeadline: () => this.#newDeadline(),
    });
    this.#feed = new ChangeFeed({
      open: (heard, lost) => this.#tables.listen(this.#channel, heard, lost),
      announce: () => {
        for (const listener of this.#listeners) tell(listener);
      },
      timeoutMs,
      heartbeatMs,
    });
  }

  /**
   * Makes the table, or brings it to the latest version; any number of instances may do so at once. May take a minute.
   * Rejects with `MODE_STORE_UNAVAILABLE`, whose hint says what to run if this role may not do it.
   */
  migrate(): Promise<void> {
    return this.#tables.migrate('MODE_STORE_UNAVAILABLE');
  }

  async load(): Promise<StoredMode | undefined> {
    const sql = `SELECT version::text AS version, state::text AS json FROM ${this.#table} WHERE api = $1`;
    const [row] = await this.#tables.query(this.#newDeadline(), sql, [this.#api]);
    return row && { ...parseModeState(row['json']!), version: Number(row['version']) };
  }

  async save(state: ModeState, expectedVersion: number): Promise<boolean> {
    assertModeState(state);
    const change =
      expectedVersion === 0
        ? `INSERT INTO ${this.#table} (api, version, state) VALUES ($1, $2::bigint + 1, $3::json) ON CONFLICT (api) DO NOTHING`
        : `UPDATE ${this.#table} SET version = version + 1, state = $3::json, changed_at = now() WHERE api = $1 AND version = $2::bigint`;
    const sql = `WITH changed AS (${change} RETURNING api) SELECT pg_notify($4, 'changed') FROM changed`;
    const values = [this.#api, expectedVersion, asciiJson(state), this.#channel];
    return (await this.#tables.query(this.#newDeadline(), sql, values)).length === 1;
  }

  onChange(listener: () => void): () => void {
    if (!this.#tables.canListen) return () => {}; // it is done by asking
    const own = () => listener();
    this.#listeners.add(own);
    const stop = this.#feed.listen();
    return () => {
      this.#listeners.delete(own);
      stop();
    };
  }

  #newDeadline(): Deadline {
    const ms = this.#timeoutMs;
    return new Deadline(ms, () => new Error(`PostgreSQL did not answer within ${ms} ms.`));
  }
}
