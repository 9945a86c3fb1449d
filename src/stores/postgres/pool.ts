import type { Deadline } from '../../util/deadline.js';
import type { FeedConnection } from '../change-feed.js';

/** The part of a client of a `pg` pool that is used here. */
export interface PostgresClient {
  // biome-ignore lint/suspicious/noExplicitAny: rows are what the query asks for
  query(text: string, values?: any[]): Promise<{ rows: any[] }>;
  // biome-ignore lint/suspicious/noExplicitAny: as EventEmitter has it
  on(event: any, listener: (...args: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as EventEmitter has it
  removeListener(event: any, listener: (...args: any[]) => void): unknown;
  /** `true`: the connection is not used again. */
  release(destroy?: boolean): void;
  unref?(): void;
}

/** The part of a `pg` Pool that is used here. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
  // biome-ignore lint/suspicious/noExplicitAny: as EventEmitter has it
  on(event: any, listener: (...args: any[]) => void): unknown;
  readonly options?: { readonly max?: number };
}

/** A row of an answer: its columns as text, or null. */
export type Row = Readonly<Record<string, string | null>>;

/** Calls that wait for a connection at most. While the network is frozen, nobody can take them out of the pool's queue. */
const MAX_WAITING = 1000;

/** Queries over a pool, each with a time limit of its own: the server's `statement_timeout` is of no use if it cannot be reached. */
export class PostgresConnections {
  readonly #pool: PostgresPool;
  #waiting = 0;

  constructor(pool: PostgresPool) {
    this.#pool = pool;
    // Without a listener the end of an idle connection would end the process. The pool has replaced it already.
    pool.on('error', ignore);
    // Nor has a connection one that breaks as it is handed out: what waits for it hears of it a moment later.
    pool.on('connect', (client: PostgresClient) => client.on('error', ignore));
  }

  /** One statement, or several that take no values and then are one transaction. */
  async query(deadline: Deadline, text: string, values?: readonly unknown[]): Promise<Row[]> {
    const client = await this.#connect(deadline);
    client.on('error', ignore); // its query rejects with it
    let isGood = false;
    try {
      const { rows } = await deadline.keep(() => client.query(text, values && [...values]));
      isGood = true;
      return rows;
    } finally {
      client.removeListener('error', ignore);
      client.release(!isGood);
    }
  }

  /** A connection of its own that hears of what is sent to a channel, whose name needs no escaping. */
  async listen(
    deadline: Deadline,
    channel: string,
    heard: (payload: string) => void,
    lost: () => void,
  ): Promise<FeedConnection> {
    const client = await this.#connect(deadline);
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', (message: { channel: string; payload?: string }) => {
      if (message.channel === channel && message.payload) heard(message.payload);
    });
    try {
      await deadline.keep(() => client.query(`LISTEN "${channel}"`));
    } catch (error) {
      client.release(true);
      throw error;
    }
    client.unref?.(); // who only listens does not keep the process alive
    return { ping: () => client.query('SELECT 1'), close: () => client.release(true) };
  }

  async #connect(deadline: Deadline): Promise<PostgresClient> {
    if (this.#waiting >= MAX_WAITING) throw new Error('Too many calls wait for a connection to PostgreSQL.');
    return deadline.keep(
      async () => {
        this.#waiting += 1;
        try {
          return await this.#pool.connect();
        } finally {
          this.#waiting -= 1;
        }
      },
      (late) => late.release(),
    );
  }
}

const ignore = () => {};
