import { defaultProvider } from '#provider';
import { xlinkError } from '../../errors/errors.js';
import { encodeBase64url } from '../../util/base64url.js';
import { Deadline } from '../../util/deadline.js';
import { encodeUtf8 } from '../../util/utf8.js';
import { unavailable } from '../unavailable.js';
import type { Schema } from './schema.js';
import { tableName } from './table-name.js';
import { PostgresTables } from './tables.js';
import type { PostgresPool, Row } from './types.js';

/** How often a store looks for claims that are over, in ms. */
const SWEEP_EVERY_MS = 10_000;
/** How many it deletes in one statement. */
const SWEEP_ROWS = 5000;

export interface PostgresClaimsOptions extends Schema {
  readonly pool: PostgresPool;
  readonly timeoutMs: number;
}

/** What can be claimed once. */
export interface Claim {
  /** Tells it apart from all others of the table. */
  readonly name: string;
  /** When it was made, ms since 1970. */
  readonly timestamp: number;
}

/**
 * What was claimed, in PostgreSQL: a row for each claim, which only one of any number of `INSERT … ON CONFLICT DO NOTHING` makes. Beside
 * them stands since when they are all there, by the clock of the server. That is dated anew if the row is gone, as after a crash,
 * which empties unlogged tables, or was written for another start of the server or another file of the table.
 */
export class PostgresClaims {
  readonly #tables: PostgresTables;
  readonly #sql: ReturnType<typeof claimSql>;
  readonly #timeoutMs: number;
  #sweepAt = 0;

  /** Begins to remember at once, in the background and in silence: what fails is done with the first claim. */
  constructor({ timeoutMs, ...options }: PostgresClaimsOptions) {
    this.#timeoutMs = timeoutMs;
    this.#sql = claimSql(options.table);
    this.#tables = new PostgresTables({ ...options, newDeadline: () => this.#newDeadline() });
    this.#date().catch(() => {});
  }

  migrate(): Promise<void> {
    return this.#tables.migrate('NONCE_STORE_UNAVAILABLE');
  }

  /** Reads only. Rejects with `NONCE_STORE_UNAVAILABLE…`. */
  async has(claim: Claim): Promise<boolean> {
    const row = await this.#ask(this.#sql.has, [await keyOf(claim)]);
    if (row['found'] === 'true') return true;
    await this.#assertRemembered(claim, row);
    return false;
  }

  /** Whether this claim is the first. Rejects with `NONCE_STORE_UNAVAILABLE…`. */
  async claim(claim: Claim, ttlMs: number): Promise<boolean> {
    const row = await this.#ask(this.#sql.claim, [await keyOf(claim), ttlMs]);
    this.#sweepSometimes();
    if (row['first'] !== 'true') return false;
    await this.#assertRemembered(claim, row);
    return true;
  }

  async #assertRemembered({ timestamp }: Claim, row: Row): Promise<void> {
    const since = row['since'] ?? (await this.#date());
    if (!(timestamp > Number(since)))
      throw xlinkError('NONCE_STORE_UNAVAILABLE:COLD_START', { field: 'timestamp' });
  }

  /** Dates the table, unless somebody has. Resolves to since when it remembers. */
  async #date(): Promise<string> {
    return (await this.#ask(this.#sql.date, []))['since']!;
  }

  #sweepSometimes(): void {
    const now = performance.now();
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + SWEEP_EVERY_MS;
    this.#sweep().catch(() => {}); // next time, then
  }

  async #sweep(): Promise<void> {
    for (;;) {
      const { count } = await this.#ask(this.#sql.sweep, [SWEEP_ROWS]);
      if (Number(count) < SWEEP_ROWS) return;
    }
  }

  #ask(sql: string, values: readonly unknown[]): Promise<Row> {
    const ask = async () => (await this.#tables.query(this.#newDeadline(), sql, values))[0]!;
    return unavailable(ask, 'NONCE_STORE_UNAVAILABLE');
  }

  #newDeadline(): Deadline {
    const ms = this.#timeoutMs;
    return new Deadline(ms, () => new Error(`PostgreSQL did not answer within ${ms} ms.`));
  }
}

/** Of one size, however long the name is. */
const keyOf = async ({ name }: Claim): Promise<string> =>
  encodeBase64url(await defaultProvider().sha256(encodeUtf8(name)));

function claimSql(name: string) {
  const table = tableName(name);
  const marker = tableName(name, '_since');
  const server =
    `floor(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint || ':' || ` +
    `pg_relation_filenode('${table}')`;
  const since = `(SELECT since::text FROM ${marker} WHERE id = 1 AND server = ${server}) AS since`;
  return {
    has: `SELECT EXISTS (SELECT FROM ${table} WHERE key = $1)::text AS found, ${since}`,
    claim: `WITH claimed AS (
        INSERT INTO ${table} (key, expires_at)
        VALUES ($1, clock_timestamp() + $2::double precision * interval '1 millisecond')
        ON CONFLICT (key) DO NOTHING RETURNING key
      ) SELECT EXISTS (SELECT FROM claimed)::text AS first, ${since}`,
    date: `INSERT INTO ${marker} AS known (id, server, since)
      VALUES (1, ${server}, ceil(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
      ON CONFLICT (id) DO UPDATE SET
        since = CASE WHEN known.server = excluded.server THEN known.since ELSE excluded.since END,
        server = excluded.server
      RETURNING since::text AS since`,
    sweep: `WITH gone AS (
        DELETE FROM ${table}
        WHERE key IN (SELECT key FROM ${table} WHERE expires_at < now() LIMIT $1::integer) RETURNING key
      ) SELECT count(*)::text AS count FROM gone`,
  };
}
