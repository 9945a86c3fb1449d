import { xlinkError } from '../../errors/errors.js';
import type { ErrorId } from '../../errors/table.js';
import type { FeedConnection } from '../../registry/change-feed.js';
import type { Deadline } from '../../util/deadline.js';
import { PostgresSetupError, withAdvice } from './advice.js';
import { migrate } from './migrate.js';
import { connectionsOf, type PostgresConnections, type TransactionQuery } from './pool.js';
import type { Schema } from './schema.js';
import type { PostgresPool, Row } from './types.js';

export interface PostgresTablesOptions extends Schema {
  readonly pool: PostgresPool;
  /** The pool that the connection for changes is taken from. Default `pool`. */
  readonly subscriber?: PostgresPool | undefined;
  /** The time of one call. */
  readonly newDeadline: () => Deadline;
}

/** The tables of one store: queries to them, which wait until they are there, and what is told of changes. */
export class PostgresTables {
  readonly #options: PostgresTablesOptions;
  readonly #connections: PostgresConnections;
  #ready: Promise<void> | undefined;

  constructor(options: PostgresTablesOptions) {
    this.#options = options;
    this.#connections = connectionsOf(options.pool);
  }

  /** Whether there is a connection to listen with: with a `max` of 1, that would leave none for anything else. */
  get canListen(): boolean {
    const { pool, subscriber = pool } = this.#options;
    return subscriber !== pool || pool.options?.max !== 1;
  }

  /** Where a table or a right is missing, the error says what to run. */
  async query(deadline: Deadline, sql: string, values: readonly unknown[]): Promise<Row[]> {
    const ready = this.#makeReady();
    await deadline.keep(() => ready);
    try {
      return await this.#connections.query(deadline, sql, values);
    } catch (error) {
      throw withAdvice(this.#options, error);
    }
  }

  /** The same of several statements, which are committed once `work` resolves. `limitMs`: for each of them. */
  async transaction<T>(
    deadline: Deadline,
    limitMs: number,
    work: (query: TransactionQuery) => Promise<T>,
  ): Promise<T> {
    const ready = this.#makeReady();
    await deadline.keep(() => ready);
    try {
      return await this.#connections.transaction(deadline, limitMs, work);
    } catch (error) {
      throw withAdvice(this.#options, error);
    }
  }

  /** Rejects with an error of the given id, whose hint says what to run if this role may not do it. */
  async migrate(failure: ErrorId): Promise<void> {
    try {
      await this.#makeReady();
    } catch (cause) {
      const hint = cause instanceof PostgresSetupError ? { hint: cause.message } : {};
      throw xlinkError(failure, { cause, ...hint });
    }
  }

  listen(channel: string, heard: (payload: string) => void, lost: () => void): Promise<FeedConnection> {
    const { pool, subscriber = pool, newDeadline } = this.#options;
    return connectionsOf(subscriber).listen(newDeadline, channel, heard, lost);
  }

  /** The version is asked for once; after a failure again. */
  #makeReady(): Promise<void> {
    this.#ready ??= migrate(this.#connections, this.#options, this.#options.newDeadline()).catch((error) => {
      this.#ready = undefined;
      throw error;
    });
    this.#ready.catch(() => {}); // the call that began it may be over by then
    return this.#ready;
  }
}
