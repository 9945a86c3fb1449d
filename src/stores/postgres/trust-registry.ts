import type { CryptoProvider } from '../../crypto/provider.js';
import { xlinkError } from '../../errors/errors.js';
import type { ChangeListener } from '../../registry/managed.js';
import type { Did } from '../../types/protocol.js';
import type { Deadline } from '../../util/deadline.js';
import {
  checkOptions,
  hasMethods,
  integerIn,
  isObject,
  type OptionCheck,
  requireOption,
} from '../../util/options.js';
import type { FeedConnection } from '../change-feed.js';
import { type Versioned, VersionedRegistry } from '../versioned-registry.js';
import { PostgresConnections, type PostgresPool, type Row } from './pool.js';

export interface PostgresTrustRegistryOptions {
  /**
   * A `Pool` of the package `pg`; it stays yours to end. Give it `connectionTimeoutMillis`, so that it gives up attempts
   * that a dead network left open, and a `max` of at least 2 if changes are listened to: that takes one connection for itself.
   */
  readonly pool: PostgresPool;
  /**
   * The pool that the connection for changes is taken from. Default `pool`. Wanted where that one leads through a pooler
   * in transaction mode (PgBouncer), which passes no notifications: one with `max: 1` that goes to the server itself.
   */
  readonly subscriber?: PostgresPool;
  /** Lower-case letters, digits and `_`, with a schema before a dot if need be. Default `xlink_registry`. */
  readonly table?: string;
  /** Channel of LISTEN and NOTIFY. Default: the table, with `_` for the dot. */
  readonly channel?: string;
  /** How long a call may take in all, in ms. Default 1000: so long a request waits while the database is away. */
  readonly timeoutMs?: number;
  /** How often the connection that listens is tried, in ms. Default 5000: a frozen network goes unnoticed for that long. */
  readonly heartbeatMs?: number;
  /** Checks the signatures of key records. Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
}

const TABLE = /^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$/;
const CHANNEL = /^[a-z_][a-z0-9_]{0,62}$/;
/** Entries that `list` reads at a time. */
const PAGE = 1000;

const matches =
  (pattern: RegExp, what: string): OptionCheck =>
  (value) =>
    typeof value === 'string' && pattern.test(value) ? undefined : what;

/**
 * A trust registry in PostgreSQL (9.6 or later), shared by all instances. A change is one statement that writes the entry
 * and notifies the other instances in the same transaction, so what was told is what is stored, and it takes effect with
 * the next lookup everywhere; caches hear of it through `onChange`.
 *
 * The table is made at the first call if it is not there; an account that may not do that needs `migrate()` run by one
 * that may. Lookups on a replica see a revocation as late as the replica does: use the primary.
 *
 * `lookup` and `list` reject with `LOOKUP_FAILED`, changes fail with `REGISTRATION_FAILED`, both with the error of `pg` as
 * `cause`. A change that ran out of time may have happened: it is safe to make it again.
 */
export class PostgresTrustRegistry extends VersionedRegistry {
  readonly #connections: PostgresConnections;
  readonly #subscriber: PostgresConnections;
  readonly #canListen: boolean;
  /** As it stands in SQL. */
  readonly #table: string;
  readonly #channel: string;
  #ready: Promise<void> | undefined;

  constructor(options: PostgresTrustRegistryOptions) {
    checkOptions('PostgresTrustRegistry', options, {
      pool: hasMethods('connect', 'on'),
      subscriber: hasMethods('connect', 'on'),
      table: matches(TABLE, 'a name of lower-case letters, digits and _, such as xlink_registry'),
      channel: matches(CHANNEL, 'a name of lower-case letters, digits and _'),
      timeoutMs: integerIn(1, 600_000),
      heartbeatMs: integerIn(10, 600_000),
      crypto: isObject,
    });
    requireOption('PostgresTrustRegistry', options, 'pool');
    const { pool, table = 'xlink_registry', timeoutMs = 1000, heartbeatMs = 5000, crypto } = options;
    super({ crypto, timeoutMs, heartbeatMs });
    this.#connections = new PostgresConnections(pool);
    const { subscriber = pool } = options;
    this.#subscriber = subscriber === pool ? this.#connections : new PostgresConnections(subscriber);
    this.#canListen = subscriber !== pool || pool.options?.max !== 1;
    this.#table = table.split('.').map(quoted).join('.');
    this.#channel = options.channel ?? table.replace('.', '_').slice(0, 63);
  }

  /** Makes the table if it is not there; any number of instances may do so at once. Rejects with `REGISTRATION_FAILED`. */
  async migrate(): Promise<void> {
    try {
      await this.#migrate(this.newDeadline());
    } catch (cause) {
      throw xlinkError('REGISTRATION_FAILED', { cause });
    }
  }

  override onChange(listener: ChangeListener): () => void {
    if (!this.#canListen)
      throw xlinkError('INVALID_OPTION', {
        field: 'pool',
        hint: 'PostgresTrustRegistry: listening to changes takes one connection for itself; give the pool a max of at least 2, or pass a subscriber.',
      });
    return super.onChange(listener);
  }

  protected async read(did: Did, deadline: Deadline): Promise<Versioned | undefined> {
    const sql = `SELECT entry::text AS json, version::text AS version FROM ${this.#table} WHERE did = $1`;
    const [row] = await this.#query(deadline, sql, [did]);
    return row as Versioned | undefined;
  }

  protected async write(
    did: Did,
    json: string,
    version: string | undefined,
    deadline: Deadline,
  ): Promise<boolean> {
    const change =
      version === undefined
        ? `INSERT INTO ${this.#table} (did, version, entry) VALUES ($1, 1, $2::json) ON CONFLICT (did) DO NOTHING`
        : `UPDATE ${this.#table} SET entry = $2::json, version = version + 1, changed_at = now() WHERE did = $1 AND version = $4::bigint`;
    const sql = `WITH changed AS (${change} RETURNING did) SELECT pg_notify($3, did) FROM changed`;
    const values = [did, json, this.#channel, ...(version === undefined ? [] : [version])];
    return (await this.#query(deadline, sql, values)).length === 1;
  }

  protected async *readAll(newDeadline: () => Deadline): AsyncIterable<{ did: Did; json: string }> {
    const sql = `SELECT did, entry::text AS json FROM ${this.#table} WHERE did > $1 ORDER BY did LIMIT ${PAGE}`;
    let last = '';
    for (;;) {
      const page = (await this.#query(newDeadline(), sql, [last])) as unknown as { did: Did; json: string }[];
      yield* page;
      if (page.length < PAGE) return;
      last = page.at(-1)!.did;
    }
  }

  protected openFeed(
    heard: (did: Did) => void,
    lost: () => void,
    deadline: Deadline,
  ): Promise<FeedConnection> {
    return this.#subscriber.listen(deadline, this.#channel, heard, lost);
  }

  /** Whether the table is there is asked once. */
  async #query(deadline: Deadline, sql: string, values: readonly string[]): Promise<Row[]> {
    this.#ready ??= this.#migrate(this.newDeadline()).catch((error) => {
      this.#ready = undefined;
      throw error;
    });
    const ready = this.#ready;
    ready.catch(() => {}); // the call that began it may be over by then
    await deadline.keep(() => ready);
    return this.#connections.query(deadline, sql, values);
  }

  async #migrate(deadline: Deadline): Promise<void> {
    const [row] = await this.#connections.query(deadline, 'SELECT to_regclass($1)::text AS name', [
      this.#table,
    ]);
    if (row?.['name']) return; // CREATE TABLE wants the right to create, even if it has nothing to do
    // One transaction, and one instance at a time: IF NOT EXISTS alone fails if two are at it.
    await this.#connections.query(
      deadline,
      `SELECT pg_advisory_xact_lock(hashtext('xlink ${this.#table}'));
       CREATE TABLE IF NOT EXISTS ${this.#table} (
         did text COLLATE "C" PRIMARY KEY,
         version bigint NOT NULL,
         entry json NOT NULL,
         changed_at timestamptz NOT NULL DEFAULT now()
       )`,
    );
  }
}

/** Of a name that has been checked: nothing in it needs escaping. */
const quoted = (name: string): string => `"${name}"`;
