import { XidError } from '../errors.js';
import { checkNames, checkValue, hasMethods, invalidOption } from '../util/options.js';
import type { XidGroup, XidStore, XidStored } from './store.js';

/** What is used of a connection of the package `pg`. */
export interface XidPostgresConnection {
  /** Runs a query. */
  query(
    sql: string,
    values?: unknown[],
  ): Promise<{ readonly rows: unknown[]; readonly rowCount: number | null }>;
}

/** What is used of a `Pool` of the package `pg`. */
export interface XidPostgresPool extends XidPostgresConnection {
  /** Takes a connection for a transaction. */
  connect(): Promise<XidPostgresConnection & { release(error?: Error): void }>;
}

/** Options of {@link PostgresXidStore}. */
export interface PostgresXidStoreOptions {
  /** A `Pool` of the package `pg`; it stays yours to end. */
  readonly pool: XidPostgresPool;
  /** 1 to 50 lower-case letters, digits and `_`. Default `xlink_xid`. */
  readonly table?: string;
}

/** How often rows that are over are removed: with one of so many additions. */
const SWEEP_EVERY = 256;

/** In PostgreSQL (10 or later), for the instances of a service: one table, which is made at the first call, or by `migrate()`. */
export class PostgresXidStore implements XidStore {
  readonly #pool: XidPostgresPool;
  readonly #table: string;
  #ready: Promise<unknown> | undefined;
  #added = 0;

  /** Throws `INVALID_OPTION`. */
  constructor(options: PostgresXidStoreOptions) {
    const OWNER = 'PostgresXidStore';
    checkNames(OWNER, options, ['pool', 'table']);
    const { pool, table = 'xlink_xid' } = options;
    if (!hasMethods('query', 'connect')(pool))
      throw invalidOption('pool', `${OWNER}: pool must be a Pool of pg.`);
    const what = '1 to 50 lower-case letters, digits and _';
    checkValue(OWNER, 'table', table, (name) => /^[a-z_][a-z0-9_]{0,49}$/.test(name), what);
    this.#pool = pool;
    this.#table = table;
  }

  /** Makes the table if it is not there; any number of instances may do so at once. Rejects with `STORE_UNAVAILABLE`. */
  async migrate(): Promise<void> {
    await this.#asked(async () => {
      await this.#transaction(async (connection) => {
        await connection.query("SELECT pg_advisory_xact_lock(hashtext('xlink-xid'))");
        await connection.query(
          `CREATE TABLE IF NOT EXISTS ${this.#table} (key text PRIMARY KEY, value text NOT NULL, until bigint NOT NULL, member_of text)`,
        );
        await connection.query(
          `CREATE INDEX IF NOT EXISTS ${this.#table}_member_of ON ${this.#table} (member_of, until)`,
        );
      });
    });
  }

  async get(keys: readonly string[], now: number): Promise<readonly (string | undefined)[]> {
    const sql = `SELECT key, value FROM ${this.#table} WHERE key = ANY($1) AND until > $2`;
    const { rows } = await this.#query(sql, [keys, now]);
    const found = new Map((rows as { key: string; value: string }[]).map(({ key, value }) => [key, value]));
    return keys.map((key) => found.get(key));
  }

  async add(
    key: string,
    { value, until }: XidStored,
    now: number,
    group?: XidGroup,
  ): Promise<'added' | 'taken' | 'full'> {
    if (++this.#added % SWEEP_EVERY === 0)
      await this.#query(`DELETE FROM ${this.#table} WHERE until <= $1`, [now]);
    await (this.#ready ??= this.#migrated());
    return this.#asked(() =>
      this.#transaction(async (connection) => {
        // One at a time of a group: it is counted before it grows.
        if (group)
          await connection.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`xid ${group.name}`]);
        await connection.query(`DELETE FROM ${this.#table} WHERE key = $1 AND until <= $2`, [key, now]);
        if (group) {
          const there = await connection.query(`SELECT 1 FROM ${this.#table} WHERE key = $1`, [key]);
          if (there.rows.length > 0) return 'taken';
          const sql = `SELECT count(*) AS n FROM ${this.#table} WHERE member_of = $1 AND until > $2`;
          const { rows } = await connection.query(sql, [group.name, now]);
          if (Number((rows[0] as { n: string }).n) >= group.max) return 'full';
        }
        const { rowCount } = await connection.query(
          `INSERT INTO ${this.#table} (key, value, until, member_of) VALUES ($1, $2, $3, $4) ON CONFLICT (key) DO NOTHING`,
          [key, value, until, group?.name ?? null],
        );
        return rowCount === 1 ? 'added' : 'taken';
      }),
    );
  }

  async set(key: string, { value, until }: XidStored, _now: number, group?: string): Promise<void> {
    await this.#query(
      `INSERT INTO ${this.#table} AS held (key, value, until, member_of) VALUES ($1, $2, $3, $4)
       ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, until = EXCLUDED.until,
       member_of = COALESCE(EXCLUDED.member_of, held.member_of)`,
      [key, value, until, group ?? null],
    );
  }

  async extend(key: string, { value, until }: XidStored): Promise<void> {
    await this.#query(
      `INSERT INTO ${this.#table} AS held (key, value, until) VALUES ($1, $2, $3)
       ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, until = EXCLUDED.until
       WHERE held.until < EXCLUDED.until`,
      [key, value, until],
    );
  }

  async remove(key: string): Promise<void> {
    await this.#query(`DELETE FROM ${this.#table} WHERE key = $1`, [key]);
  }

  async count(group: string, now: number): Promise<number> {
    const sql = `SELECT count(*) AS n FROM ${this.#table} WHERE member_of = $1 AND until > $2`;
    const { rows } = await this.#query(sql, [group, now]);
    return Number((rows[0] as { n: string }).n);
  }

  async #query(sql: string, values: unknown[]) {
    await (this.#ready ??= this.#migrated());
    return this.#asked(() => this.#pool.query(sql, values));
  }

  /** Tried again by the next call if it fails. */
  #migrated(): Promise<void> {
    return this.migrate().catch((error) => {
      this.#ready = undefined;
      throw error;
    });
  }

  async #transaction<T>(work: (connection: XidPostgresConnection) => Promise<T>): Promise<T> {
    const connection = await this.#pool.connect();
    try {
      await connection.query('BEGIN');
      const done = await work(connection);
      await connection.query('COMMIT');
      connection.release();
      return done;
    } catch (error) {
      await connection.query('ROLLBACK').catch(() => {});
      connection.release(error as Error);
      throw error;
    }
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      throw cause instanceof XidError ? cause : new XidError('STORE_UNAVAILABLE', { cause });
    }
  }
}
