import type { CryptoProvider } from '../../crypto/provider.js';
import { xlinkError } from '../../errors/errors.js';
import type { FeedConnection } from '../../registry/change-feed.js';
import type { ChangeListener } from '../../registry/managed.js';
import type { Clock, Did } from '../../types/protocol.js';
import type { Deadline } from '../../util/deadline.js';
import { checkOptions, integerIn, isObject, isPromptFunction, requireOption } from '../../util/options.js';
import { type Versioned, VersionedRegistry } from '../versioned-registry.js';
import { isPool } from './pool-option.js';
import { channelOf, isChannel, isTableName, tableName } from './table-name.js';
import { PostgresTables } from './tables.js';
import type { PostgresPool } from './types.js';

/** Options of {@link PostgresTrustRegistry}. */
export interface PostgresTrustRegistryOptions {
  /**
   * A `Pool` of the package `pg`; it stays yours to end. Give it `connectionTimeoutMillis`, so that it gives up attempts
   * that a dead network left open, and a `max` of at least 2 if changes are listened to: that takes one connection, which
   * all stores over the pool share.
   */
  readonly pool: PostgresPool;
  /**
   * The pool that the connection for changes is taken from. Default `pool`. Wanted where that one leads through a pooler
   * in transaction mode (PgBouncer), which passes no notifications: one with `max: 1` that goes to the server itself.
   */
  readonly subscriber?: PostgresPool;
  /** At most 50 lower-case letters, digits and `_`, with a schema before a dot if need be. Default `xlink_registry`. */
  readonly table?: string;
  /** Channel of LISTEN and NOTIFY. Default: the table, with `_` for the dot. */
  readonly channel?: string;
  /** How long a call may take in all, in ms. Default 1000: so long a request waits while the database is away. */
  readonly timeoutMs?: number;
  /**
   * How often the connection that listens is tried, in ms. Default 500: a frozen network goes unnoticed for that long, and half a
   * second more. Until then caches trust what they hold for their whole `ttlMs`.
   */
  readonly heartbeatMs?: number;
  /** Checks the signatures of key records. Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
  /** Says how old a succession is. Default `Date.now`. */
  readonly clock?: Clock;
}

const DEFAULT_TABLE = 'xlink_registry';
/** Entries that `list` reads at a time. */
const PAGE = 1000;

/**
 * A trust registry in PostgreSQL (10 or later), shared by all instances. A change is one statement that writes the entry
 * and notifies the other instances in the same transaction, so what was told is what is stored, and it takes effect with
 * the next lookup everywhere; caches hear of it through `onChange`.
 *
 * The table is made, or brought to the latest version, at the first call; a role that may not do that needs `migrate()`
 * run by one that may. Lookups on a replica see a revocation as late as the replica does: use the primary.
 *
 * `lookup` and `list` reject with `LOOKUP_FAILED`, changes fail with `REGISTRATION_FAILED`, both with the error of `pg` as
 * `cause`. A change that ran out of time may have happened: it is safe to make it again.
 */
export class PostgresTrustRegistry extends VersionedRegistry {
  readonly #tables: PostgresTables;
  /** As it stands in SQL. */
  readonly #table: string;
  readonly #channel: string;

  /** Throws `INVALID_OPTION`. */
  constructor(options: PostgresTrustRegistryOptions) {
    checkOptions('PostgresTrustRegistry', options, {
      pool: isPool,
      subscriber: isPool,
      table: isTableName,
      channel: isChannel,
      timeoutMs: integerIn(1, 600_000),
      heartbeatMs: integerIn(10, 600_000),
      crypto: isObject,
      clock: isPromptFunction,
    });
    requireOption('PostgresTrustRegistry', options, 'pool');
    const { pool, table = DEFAULT_TABLE, timeoutMs = 1000, heartbeatMs = 500, crypto } = options;
    super({ crypto, clock: options.clock, timeoutMs, heartbeatMs });
    this.#tables = new PostgresTables({
      pool,
      subscriber: options.subscriber,
      store: 'trust-registry',
      owner: 'PostgresTrustRegistry',
      defaultTable: DEFAULT_TABLE,
      table,
      newDeadline: () => this.newDeadline(),
    });
    this.#table = tableName(table);
    this.#channel = options.channel ?? channelOf(table);
  }

  /**
   * Makes the table, or brings it to the latest version; any number of instances may do so at once. May take a minute.
   * Rejects with `REGISTRATION_FAILED`, whose hint says what to run if this role may not do it.
   */
  migrate(): Promise<void> {
    return this.#tables.migrate('REGISTRATION_FAILED');
  }

  override onChange(listener: ChangeListener): () => void {
    if (!this.#tables.canListen)
      throw xlinkError('INVALID_OPTION', {
        field: 'pool',
        hint: 'PostgresTrustRegistry: listening to changes takes one connection of the pool; give the pool a max of at least 2, or pass a subscriber.',
      });
    return super.onChange(listener);
  }

  protected async read(did: Did, deadline: Deadline): Promise<Versioned | undefined> {
    const sql = `SELECT entry::text AS json, version::text AS version FROM ${this.#table} WHERE did = $1`;
    const [row] = await this.#tables.query(deadline, sql, [did]);
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
    return (await this.#tables.query(deadline, sql, values)).length === 1;
  }

  protected async *readAll(newDeadline: () => Deadline): AsyncIterable<{ did: Did; json: string }> {
    const sql = `SELECT did, entry::text AS json FROM ${this.#table} WHERE did > $1 ORDER BY did LIMIT ${PAGE}`;
    let last = '';
    for (;;) {
      const page = (await this.#tables.query(newDeadline(), sql, [last])) as unknown as {
        did: Did;
        json: string;
      }[];
      yield* page;
      if (page.length < PAGE) return;
      last = page.at(-1)!.did;
    }
  }

  protected openFeed(heard: (did: Did) => void, lost: () => void): Promise<FeedConnection> {
    return this.#tables.listen(this.#channel, heard, lost);
  }
}
