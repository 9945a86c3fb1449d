import type { LeafStore, SeenLeaf } from '../../session/checkpoint/ports.js';
import { Deadline } from '../../util/deadline.js';
import { checkOptions, integerIn, requireOption } from '../../util/options.js';
import { DEFAULT_LEAF_TTL_MS, leafFrom, MAX_LEAF_TTL_MS, MIN_LEAF_TTL_MS } from '../session-leaves.js';
import { unavailable } from '../unavailable.js';
import { isPool } from './pool-option.js';
import { isTableName, tableName } from './table-name.js';
import { PostgresTables } from './tables.js';
import type { PostgresPool, Row } from './types.js';

/** Options of {@link PostgresLeafStore}. */
export interface PostgresLeafStoreOptions {
  /** A `Pool` of the package `pg`; it stays yours to end. */
  readonly pool: PostgresPool;
  /** At most 50 lower-case letters, digits and `_`, with a schema before a dot if need be. Default `xlink_leaves`. Services may share it. */
  readonly table?: string;
  /** How long the leaf of a request is kept, in ms, 60 000 to 86 400 000. Default 7 200 000, two hours: no session is good for longer. */
  readonly ttlMs?: number;
  /** How long a call may take in all, in ms. Default 1000. */
  readonly timeoutMs?: number;
}

const DEFAULT_TABLE = 'xlink_leaves';
/** What is over is deleted in this time, in ms, and so many rows at a time. */
const SWEEP_EVERY_MS = 10_000;
const SWEEP_ROWS = 5000;

/**
 * What was seen of requests in sessions, in PostgreSQL (10 or later), shared by all instances: a row for each request, until its caller has
 * signed it. They are hashes, and tell nothing of what was sent. The table is unlogged: what a crash takes is not compared. It is made, or brought to
 * the latest version, at the first call; a role that may not do that needs `migrate()` run by one that may.
 */
export class PostgresLeafStore implements LeafStore {
  readonly #tables: PostgresTables;
  readonly #table: string;
  readonly #ttlMs: number;
  readonly #timeoutMs: number;
  #sweepAt = 0;

  /** Throws `INVALID_OPTION`. */
  constructor(options: PostgresLeafStoreOptions) {
    checkOptions('PostgresLeafStore', options, {
      pool: isPool,
      table: isTableName,
      ttlMs: integerIn(MIN_LEAF_TTL_MS, MAX_LEAF_TTL_MS),
      timeoutMs: integerIn(1, 600_000),
    });
    requireOption('PostgresLeafStore', options, 'pool');
    const { pool, table = DEFAULT_TABLE, timeoutMs = 1000, ttlMs = DEFAULT_LEAF_TTL_MS } = options;
    this.#table = tableName(table);
    this.#ttlMs = ttlMs;
    this.#timeoutMs = timeoutMs;
    this.#tables = new PostgresTables({
      pool,
      store: 'leaf-store',
      owner: 'PostgresLeafStore',
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
  async keep({ sid, seq, leaf, answered, answer }: SeenLeaf): Promise<void> {
    const sql = `INSERT INTO ${this.#table} (sid, seq, leaf, answered, answer, expires_at)
      VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6::double precision * interval '1 millisecond')
      ON CONFLICT (sid, seq) DO UPDATE SET leaf = excluded.leaf, answered = excluded.answered,
        answer = excluded.answer, expires_at = excluded.expires_at`;
    await this.#ask(sql, [sid, seq, leaf, answered ?? null, answer ?? null, this.#ttlMs]);
    this.#sweepSometimes();
  }

  /** Rejects with `SESSION_STORE_UNAVAILABLE`. */
  async take(sid: string, from: number, to: number): Promise<readonly SeenLeaf[]> {
    const sql = `DELETE FROM ${this.#table} WHERE sid = $1 AND seq >= $2 AND seq < $3
      RETURNING seq::text AS seq, leaf, answered, answer, (expires_at > clock_timestamp())::text AS counts`;
    return (await this.#ask(sql, [sid, from, to]))
      .filter(({ counts }) => counts === 'true')
      .map(({ seq, leaf, answered, answer }) =>
        leafFrom({ sid, seq: Number(seq), leaf: leaf!, answered, answer }),
      )
      .sort((one, other) => one.seq - other.seq);
  }

  #sweepSometimes(): void {
    const now = performance.now();
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + SWEEP_EVERY_MS;
    const sql = `DELETE FROM ${this.#table} WHERE (sid, seq) IN
      (SELECT sid, seq FROM ${this.#table} WHERE expires_at < now() LIMIT $1::integer)`;
    this.#ask(sql, [SWEEP_ROWS]).catch(() => {}); // next time, then
  }

  #ask(sql: string, values: readonly unknown[]): Promise<Row[]> {
    const ask = () => this.#tables.query(this.#newDeadline(), sql, values);
    return unavailable(ask, 'SESSION_STORE_UNAVAILABLE');
  }

  #newDeadline(): Deadline {
    const ms = this.#timeoutMs;
    return new Deadline(ms, () => new Error(`PostgreSQL did not answer within ${ms} ms.`));
  }
}
