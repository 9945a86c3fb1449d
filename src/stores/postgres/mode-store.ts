import {
  type ModeState,
  type ModeStore,
  parseModeState,
  type StoredMode,
} from '../../adapters/modes/store.js';
import { Deadline } from '../../util/deadline.js';
import { checkOptions, hasMethods, integerIn, isString, requireOption } from '../../util/options.js';
import { asciiJson, escaped } from '../ascii-json.js';
import { ChangeFeed } from '../change-feed.js';
import type { PostgresPool } from './pool.js';
import { isTableName, PostgresTables, tableName } from './tables.js';

export interface PostgresModeStoreOptions {
  /**
   * A `Pool` of the package `pg`; it stays yours to end, after `stop()` of the shared mode: listening takes a connection for
   * itself, which `end()` waits for. With a `max` of 1 nobody listens, and instances ask every `intervalMs`.
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

/**
 * The shared mode in PostgreSQL (9.5 or later): a row, which is changed only if its version is the expected one, and a
 * notification in the same transaction. The table is made at the first call if it is not there. Notifications do not pass
 * poolers in transaction mode (PgBouncer): instances ask every `intervalMs` then.
 */
export class PostgresModeStore implements ModeStore {
  readonly #tables: PostgresTables;
  readonly #table: string;
  readonly #channel: string;
  readonly #api: string;
  readonly #timeoutMs: number;
  readonly #max: number | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #feed: ChangeFeed;

  /** Throws `INVALID_OPTION`. */
  constructor(options: PostgresModeStoreOptions) {
    checkOptions('PostgresModeStore', options, {
      pool: hasMethods('connect', 'on'),
      table: isTableName,
      api: isString,
      timeoutMs: integerIn(1, 600_000),
      heartbeatMs: integerIn(10, 600_000),
    });
    requireOption('PostgresModeStore', options, 'pool');
    const { pool, table = 'xlink_modes', api = 'api', timeoutMs = 1000, heartbeatMs = 5000 } = options;
    this.#table = tableName(table);
    this.#channel = table.replace('.', '_').slice(0, 63);
    this.#api = escaped(api);
    this.#timeoutMs = timeoutMs;
    this.#max = pool.options?.max;
    this.#tables = new PostgresTables({
      pool,
      table: this.#table,
      create: `CREATE TABLE IF NOT EXISTS ${this.#table} (
        api text COLLATE "C" PRIMARY KEY,
        version bigint NOT NULL,
        state json NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT now()
      )`,
      newDeadline: () => this.#newDeadline(),
    });
    this.#feed = new ChangeFeed({
      open: (heard, lost) => this.#tables.listen(this.#newDeadline(), this.#channel, heard, lost),
      announce: () => {
        for (const listener of this.#listeners) listener();
      },
      timeoutMs,
      heartbeatMs,
    });
  }

  async load(): Promise<StoredMode | undefined> {
    const sql = `SELECT version::text AS version, state::text AS json FROM ${this.#table} WHERE api = $1`;
    const [row] = await this.#tables.query(this.#newDeadline(), sql, [this.#api]);
    return row && { ...parseModeState(row['json']!), version: Number(row['version']) };
  }

  async save(state: ModeState, expectedVersion: number): Promise<boolean> {
    const change =
      expectedVersion === 0
        ? `INSERT INTO ${this.#table} (api, version, state) VALUES ($1, $2::bigint + 1, $3::json) ON CONFLICT (api) DO NOTHING`
        : `UPDATE ${this.#table} SET version = version + 1, state = $3::json, changed_at = now() WHERE api = $1 AND version = $2::bigint`;
    const sql = `WITH changed AS (${change} RETURNING api) SELECT pg_notify($4, 'changed') FROM changed`;
    const values = [this.#api, expectedVersion, asciiJson(state), this.#channel];
    return (await this.#tables.query(this.#newDeadline(), sql, values)).length === 1;
  }

  onChange(listener: () => void): () => void {
    // With one connection, the one that listens would leave none for anything else: it is done by asking.
    if (this.#max === 1) return () => {};
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
