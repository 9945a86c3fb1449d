import { leafText } from '../../audit/record.js';
import { Deadline } from '../../util/deadline.js';
import { escaped, unescaped } from '../ascii-json.js';
import type { FoundLine, FoundRecord, LoggedRecord } from '../audit/record-text.js';
import type { TransactionQuery } from './pool.js';
import { tableName } from './table-name.js';
import { PostgresTables } from './tables.js';
import type { PostgresPool, Row } from './types.js';

const DEFAULT_TABLE = 'xlink_audit';
/** Records that are read at once. */
const PAGE = 2000;

/** Where a log ends. */
export interface StoredHead {
  readonly size: number;
  /** The last link of the chain, base64url. */
  readonly mac: string;
}

/** The rows of one log, while no other process can append to it. */
export interface LockedRows {
  readonly head: StoredHead;
  /** Those from this number on, at most 2000. */
  page(from: number): Promise<FoundRecord[]>;
  /** Becomes durable when the lock is given back. */
  insert(records: readonly LoggedRecord[]): Promise<void>;
}

/** The tables of audit logs, as far as one log is concerned. */
export class AuditRows {
  readonly #tables: PostgresTables;
  readonly #log: string;
  readonly #timeoutMs: number;
  readonly #entries: string;
  readonly #heads: string;
  readonly #keys: string;

  constructor(
    log: string,
    {
      pool,
      table = DEFAULT_TABLE,
      timeoutMs = 5000,
    }: { readonly pool: PostgresPool; readonly table?: string; readonly timeoutMs?: number },
  ) {
    this.#log = log;
    this.#timeoutMs = timeoutMs;
    this.#entries = tableName(table);
    this.#heads = tableName(table, '_heads');
    this.#keys = tableName(table, '_keys');
    this.#tables = new PostgresTables({
      pool,
      store: 'audit-log',
      owner: 'PostgresAuditLog',
      defaultTable: DEFAULT_TABLE,
      table,
      newDeadline: () => this.#newDeadline(),
    });
  }

  /** Makes the tables. Rejects with `AUDIT_UNAVAILABLE`. */
  migrate(): Promise<void> {
    return this.#tables.migrate('AUDIT_UNAVAILABLE');
  }

  /** Begins the log if there is none. Rejects with `AUDIT_UNAVAILABLE`. */
  async begin(): Promise<void> {
    await this.migrate();
    await this.#query(`INSERT INTO ${this.#heads} (log) VALUES ($1) ON CONFLICT DO NOTHING`, []);
  }

  /** Commits what `work` does while it alone can append; or nothing, if it rejects. */
  locked<T>(work: (rows: LockedRows) => Promise<T>): Promise<T> {
    return this.#tables.transaction(this.#newDeadline(), this.#timeoutMs, async (query) => {
      const sql = `SELECT size::text AS size, mac FROM ${this.#heads} WHERE log = $1 FOR UPDATE`;
      const [row] = await query(sql, [this.#log]);
      if (!row) throw new Error('The row of this audit log was removed.');
      return work({
        head: { size: Number(row['size']), mac: row['mac']! },
        page: async (from) => (await query(...this.#page(from))).map(recordOf),
        insert: (records) => this.#insert(query, records),
      });
    });
  }

  /** Whether the record of this number has this link. */
  async has({ seq, mac }: Pick<LoggedRecord, 'seq' | 'mac'>): Promise<boolean> {
    return this.locked(async ({ page }) => (await page(seq))[0]?.mac === mac);
  }

  /** All records from this number on. */
  async *records(from = 0): AsyncGenerator<FoundLine> {
    for (let next = from; ; ) {
      const records = (await this.#ask(...this.#page(next))).map(recordOf);
      if (records.length > 0) yield { records, whole: true, sound: true };
      if (records.length < PAGE) return;
      next = records.at(-1)!.seq + 1;
    }
  }

  /** The last checkpoint that any process signed. */
  async checkpoint(): Promise<string | undefined> {
    const [row] = await this.#query(`SELECT checkpoint FROM ${this.#heads} WHERE log = $1`, []);
    const text = row?.['checkpoint'];
    return text == null ? undefined : unescaped(text);
  }

  /** Kept unless there is one of a larger tree. */
  async keepCheckpoint(size: number, checkpoint: string): Promise<void> {
    const sql = `UPDATE ${this.#heads} SET checkpoint = $3, checkpoint_size = $2::bigint WHERE log = $1 AND checkpoint_size <= $2::bigint`;
    await this.#query(sql, [size, escaped(checkpoint)]);
  }

  async keepKey(id: string, wrapped: string): Promise<void> {
    await this.#query(`INSERT INTO ${this.#keys} (log, id, wrapped) VALUES ($1, $2, $3)`, [id, wrapped]);
  }

  async key(id: string): Promise<string | undefined> {
    const [row] = await this.#query(`SELECT wrapped FROM ${this.#keys} WHERE log = $1 AND id = $2`, [id]);
    return row?.['wrapped'] ?? undefined;
  }

  async keyIds(): Promise<string[]> {
    return (await this.#query(`SELECT id FROM ${this.#keys} WHERE log = $1`, [])).map((row) => row['id']!);
  }

  /** Set to null first: so the row that `VACUUM` leaves longest has nothing in it. */
  async eraseKeys(ids: readonly string[]): Promise<void> {
    const which = 'WHERE log = $1 AND id = ANY($2::text[])';
    await this.#query(`UPDATE ${this.#keys} SET wrapped = NULL ${which}`, [ids]);
    await this.#query(`DELETE FROM ${this.#keys} ${which}`, [ids]);
  }

  async #insert(query: TransactionQuery, records: readonly LoggedRecord[]): Promise<void> {
    const column = <Name extends keyof LoggedRecord>(name: Name) => records.map((record) => record[name]);
    await query(
      `INSERT INTO ${this.#entries} (log, seq, key, commitment, sealed, mac)
       SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])`,
      [this.#log, column('seq'), column('key'), column('commitment'), column('sealed'), column('mac')],
    );
    const last = records.at(-1)!;
    const sql = `UPDATE ${this.#heads} SET size = $2::bigint, mac = $3 WHERE log = $1`;
    await query(sql, [this.#log, last.seq + 1, last.mac]);
  }

  #page(from: number): [sql: string, values: unknown[]] {
    const columns = 'seq::text AS number, key, commitment, sealed, mac';
    return [
      `SELECT ${columns} FROM ${this.#entries} WHERE log = $1 AND seq >= $2::bigint ORDER BY seq LIMIT ${PAGE}`,
      [this.#log, from],
    ];
  }

  /** The log is the first value. */
  #query(sql: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#ask(sql, [this.#log, ...values]);
  }

  #ask(sql: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#tables.query(this.#newDeadline(), sql, values);
  }

  #newDeadline(): Deadline {
    const ms = this.#timeoutMs;
    return new Deadline(ms, () => new Error(`PostgreSQL did not answer within ${ms} ms.`));
  }
}

function recordOf(row: Row): FoundRecord {
  const record = {
    seq: Number(row['number']),
    key: row['key']!,
    commitment: row['commitment']!,
    sealed: row['sealed']!,
  };
  return { ...record, mac: row['mac']!, leaf: leafText(record) };
}
