import type { Deadline } from '../../util/deadline.js';
import type { OptionCheck } from '../../util/options.js';
import type { FeedConnection } from '../change-feed.js';
import { PostgresConnections, type PostgresPool, type Row } from './pool.js';

/** 13 characters are left for what is put behind it. */
const NAME = /^[a-z_][a-z0-9_]{0,49}(\.[a-z_][a-z0-9_]{0,49})?$/;

export const isTableName: OptionCheck = (value) =>
  typeof value === 'string' && NAME.test(value)
    ? undefined
    : 'a name of at most 50 lower-case letters, digits and _, with a schema before a dot if need be';

/** A checked name, and what is put behind it, as it stands in SQL. */
export const tableName = (name: string, suffix = ''): string =>
  `${name}${suffix}`
    .split('.')
    .map((part) => `"${part}"`)
    .join('.');

export interface PostgresTablesOptions {
  readonly pool: PostgresPool;
  /** As it stands in SQL. The last one that `create` makes. */
  readonly table: string;
  /** `CREATE … IF NOT EXISTS` statements. */
  readonly create: string;
  /** The time of making the tables. */
  readonly newDeadline: () => Deadline;
}

/** Queries to tables that are made before the first of them, if they are not there. */
export class PostgresTables {
  readonly #connections: PostgresConnections;
  readonly #options: PostgresTablesOptions;
  #ready: Promise<void> | undefined;

  constructor(options: PostgresTablesOptions) {
    this.#options = options;
    this.#connections = new PostgresConnections(options.pool);
  }

  async query(deadline: Deadline, sql: string, values: readonly unknown[]): Promise<Row[]> {
    await this.ready(deadline);
    return this.#connections.query(deadline, sql, values);
  }

  /** Whether the tables are there is asked once. */
  async ready(deadline: Deadline): Promise<void> {
    this.#ready ??= this.#make().catch((error) => {
      this.#ready = undefined;
      throw error;
    });
    const ready = this.#ready;
    await deadline.keep(() => ready);
  }

  async listen(
    deadline: Deadline,
    channel: string,
    heard: (payload: string) => void,
    lost: () => void,
  ): Promise<FeedConnection> {
    return this.#connections.listen(deadline, channel, heard, lost);
  }

  async #make(): Promise<void> {
    const { table, create, newDeadline } = this.#options;
    const deadline = newDeadline();
    const [row] = await this.#connections.query(deadline, 'SELECT to_regclass($1)::text AS name', [table]);
    if (row?.['name']) return; // CREATE TABLE wants the right to create, even if it has nothing to do
    // One transaction, and one instance at a time: IF NOT EXISTS alone fails if two are at it.
    const turn = `SELECT pg_advisory_xact_lock(hashtext('xlink ${table}'));`;
    await this.#connections.query(deadline, `${turn} ${create}`);
  }
}
