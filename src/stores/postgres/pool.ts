import type { FeedConnection } from '../../registry/change-feed.js';
import { type Deadline, within } from '../../util/deadline.js';
import { cancelQuery } from './cancel.js';
import { PostgresListener } from './listener.js';
import type { PostgresClient, PostgresPool, Row } from './types.js';

/** Calls that wait for a connection at most. While the network is frozen, they cannot be taken out of the pool's queue. */
const MAX_WAITING = 1000;
/** A query that gets its connection in the last tenth of its time is not begun: it would only be canceled. */
const LAST_SHARE = 0.1;
/**
 * The server ends a transaction of a client that says nothing for so long: behind a silent cut it would keep its locks for as
 * long as the server believes in the connection, which is hours.
 */
const IDLE_MS = 5000;
/** How long a connection is kept out of use until the server has ended its query. Then it is closed: the way to the server is dead. */
const RECOVERY_MS = 2000;

/** One statement of a transaction. */
export type TransactionQuery = (text: string, values?: readonly unknown[]) => Promise<Row[]>;

/**
 * Queries over a pool, each with a time limit of its own. A query that runs out of time is canceled, and its connection
 * goes back to the pool when the server has ended it: so the pool never holds more connections at the server than its
 * `max`, and no session setting is changed under the other users of the pool.
 */
export class PostgresConnections {
  readonly #pool: PostgresPool;
  readonly #listener: PostgresListener;
  #waiting = 0;

  constructor(pool: PostgresPool) {
    this.#pool = pool;
    this.#listener = new PostgresListener((deadline) => this.#connect(deadline));
    // Without a listener the end of an idle connection would end the process. The pool has replaced it already.
    pool.on('error', ignore);
    // Nor has a connection one that breaks as it is handed out: what waits for it hears of it a moment later.
    pool.on('connect', (client: PostgresClient) => client.on('error', ignore));
  }

  /** One statement, or several that take no values and then are one transaction. */
  query(deadline: Deadline, text: string, values?: readonly unknown[]): Promise<Row[]> {
    return this.#lend(deadline, 'SELECT 1', async (client) => {
      const { rows } = await client.query(text, values && [...values]);
      return rows;
    });
  }

  /** Commits what `work` did, or rolls it back if it rejects. `limitMs` counts for each statement, in place of the pool's `query_timeout`. */
  transaction<T>(
    deadline: Deadline,
    limitMs: number,
    work: (query: TransactionQuery) => Promise<T>,
  ): Promise<T> {
    return this.#lend(deadline, 'ROLLBACK', async (client) => {
      const query: TransactionQuery = (text, values) =>
        deadline.keep(async () => {
          const { rows } = await client.query({ text, query_timeout: limitMs }, values && [...values]);
          return rows;
        });
      await query(`BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${IDLE_MS}`);
      const result = await work(query);
      await query('COMMIT');
      return result;
    });
  }

  /** Hears of what is sent to a channel, whose name needs no escaping. All that listen with one pool share one connection. */
  listen(
    newDeadline: () => Deadline,
    channel: string,
    heard: (payload: string) => void,
    lost: () => void,
  ): Promise<FeedConnection> {
    return this.#listener.listen(newDeadline, { channel, heard, lost });
  }

  async #lend<T>(
    deadline: Deadline,
    tidyUp: string,
    work: (client: PostgresClient) => Promise<T>,
  ): Promise<T> {
    const client = await this.#connect(deadline);
    let isBroken = false;
    const broke = () => {
      isBroken = true; // its query rejects with it
    };
    const giveBack = (isGood: boolean) => {
      client.removeListener('error', broke);
      client.release(!isGood);
    };
    client.on('error', broke);
    try {
      const result = await deadline.keep(() => work(client));
      giveBack(true);
      return result;
    } catch (error) {
      if (isBroken) giveBack(false);
      else void this.#isGoodAfter(error, client, tidyUp).then(giveBack);
      throw error;
    }
  }

  /** Resolves once the server has ended what it was asked: whether the connection can be used again. Never rejects. */
  async #isGoodAfter(error: unknown, client: PostgresClient, tidyUp: string): Promise<boolean> {
    const recover = async () => {
      if (!isAnswer(error)) await cancelQuery(client, this.#pool.options);
      await client.query(tidyUp);
      return true;
    };
    const isDead = () => new Error('The connection cannot be used again.');
    return within(RECOVERY_MS, recover(), isDead).catch(() => false);
  }

  async #connect(deadline: Deadline): Promise<PostgresClient> {
    if (this.#waiting >= MAX_WAITING) throw new Error('Too many calls wait for a connection to PostgreSQL.');
    const connect = async () => {
      this.#waiting += 1;
      try {
        return await this.#pool.connect();
      } finally {
        this.#waiting -= 1;
      }
    };
    const client = await deadline.keep(connect, (late) => late.release());
    try {
      deadline.assertLeft(LAST_SHARE);
    } catch (error) {
      client.release();
      throw error;
    }
    return client;
  }
}

/** The number changes with the methods of {@link PostgresConnections}: two versions of the package may be loaded. */
const POOLS = Symbol.for('@private.me/xlink/postgres-pools/1');

/** The one wrapper of a pool, for all stores over it and also where two copies of the package are loaded (ESM and CommonJS). */
export function connectionsOf(pool: PostgresPool): PostgresConnections {
  const shared = globalThis as { [POOLS]?: WeakMap<PostgresPool, PostgresConnections> };
  const known = (shared[POOLS] ??= new WeakMap());
  const connections = known.get(pool) ?? new PostgresConnections(pool);
  known.set(pool, connections);
  return connections;
}

/** Whether the server said this (an SQLSTATE), and so has ended the query. */
const isAnswer = (error: unknown): boolean => {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code);
};

const ignore = () => {};
