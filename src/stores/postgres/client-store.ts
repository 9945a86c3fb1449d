import { defaultProvider } from '#provider';
import { mergeActivity } from '../../adapters/clients/memory-store.js';
import type {
  ClientActivity,
  ClientRecord,
  ClientStore,
  LinkConditions,
  Standing,
} from '../../adapters/clients/store.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { ClientId, Did } from '../../types/protocol.js';
import { encodeBase64url } from '../../util/base64url.js';
import { Deadline } from '../../util/deadline.js';
import { checkOptions, integerIn, requireOption } from '../../util/options.js';
import { encodeUtf8 } from '../../util/utf8.js';
import { escaped, unescaped } from '../ascii-json.js';
import { unavailable } from '../unavailable.js';
import { clientSql } from './client-sql.js';
import { isPool } from './pool-option.js';
import { isTableName } from './table-name.js';
import { PostgresTables } from './tables.js';
import type { PostgresPool } from './types.js';

/** Options of {@link PostgresClientStore}. */
export interface PostgresClientStoreOptions {
  /** A `Pool` of the package `pg`; it stays yours to end. Give it `connectionTimeoutMillis` for attempts that a dead network leaves open. */
  readonly pool: PostgresPool;
  /**
   * At most 50 lower-case letters, digits and `_`, with a schema before a dot if need be. Default `xlink_clients`. Two more
   * tables have its name and `_dids` and `_batches` behind it. APIs that have customers of their own need tables of their own.
   */
  readonly table?: string;
  /** How long a call may take in all, and `list` for each 1000 clients, in ms. Default 1000: so long a request with a key waits while the database is away. */
  readonly timeoutMs?: number;
}

const DEFAULT_TABLE = 'xlink_clients';
/** Records that `list` reads at a time. */
const PAGE = 1000;
/** Longer names are indexed by their hash: PostgreSQL indexes no more than 2700 bytes. */
const MAX_PLAIN = 256;
const HOUR_MS = 3_600_000;
/** Each time that a link finds its place taken, another one has got it. */
const MAX_LINK_ATTEMPTS = 100;

/**
 * What is known about clients in PostgreSQL (10 or later), shared by all instances: one cut-over report for all of them,
 * and what is set on one (a key that is switched off, a client that has moved) counts on all with the next request.
 *
 * `add` is one statement: it writes the whole batch and its name, or nothing, and a batch whose name is there already adds
 * nothing. Names are kept for a day: a batch that was written, whose answer got lost, and that is given again only after
 * more than a day without a connection, would count twice.
 *
 * The tables are made, or brought to the latest version, at the first call; a role that may not do that needs `migrate()`
 * run by one that may. In columns, names stand as inside a JSON string, in ASCII. Use the primary: a replica learns late that a key is off.
 *
 * Calls reject with `CLIENT_STORE_UNAVAILABLE`, the error of `pg` as `cause`. A change that ran out of time may have
 * happened; it is safe to make it again.
 */
export class PostgresClientStore implements ClientStore {
  readonly #tables: PostgresTables;
  readonly #sql: ReturnType<typeof clientSql>;
  readonly #timeoutMs: number;
  #nextTidyUp = 0;

  /** Throws `INVALID_OPTION`. */
  constructor(options: PostgresClientStoreOptions) {
    checkOptions('PostgresClientStore', options, {
      pool: isPool,
      table: isTableName,
      timeoutMs: integerIn(1, 600_000),
    });
    requireOption('PostgresClientStore', options, 'pool');
    const { pool, table = DEFAULT_TABLE, timeoutMs = 1000 } = options;
    this.#timeoutMs = timeoutMs;
    this.#sql = clientSql(table);
    this.#tables = new PostgresTables({
      pool,
      store: 'client-store',
      owner: 'PostgresClientStore',
      defaultTable: DEFAULT_TABLE,
      table,
      newDeadline: () => this.#newDeadline(),
    });
  }

  /**
   * Makes the tables, or brings them to the latest version; any number of instances may do so at once. May take a minute.
   * Rejects with `CLIENT_STORE_UNAVAILABLE`, whose hint says what to run if this role may not do it.
   */
  migrate(): Promise<void> {
    return this.#tables.migrate('CLIENT_STORE_UNAVAILABLE');
  }

  async get(client: ClientId): Promise<ClientRecord | undefined> {
    const [row] = await this.#query(this.#sql.get, [await idOf(client)]);
    return row && recordOf(row['json']!);
  }

  /** In no order. Not of one moment: what changes meanwhile may be in it or not. */
  async list(): Promise<ClientRecord[]> {
    const records: ClientRecord[] = [];
    let last: string | null = '';
    // '' is below all ids but one, which is that of the client whose name is empty.
    const nameless = await this.get('');
    if (nameless) records.push(nameless);
    for (;;) {
      const page = await this.#query(this.#sql.page, [last, PAGE]);
      for (const { json } of page) records.push(recordOf(json!));
      if (page.length < PAGE) return records;
      last = page.at(-1)!['id']!;
    }
  }

  async clientOf(did: Did): Promise<ClientId | undefined> {
    const [row] = await this.#query(this.#sql.clientOf, [await idOf(did)]);
    return row && unescaped(row['client']!);
  }

  async standingOf(did: Did): Promise<Standing | undefined> {
    const [row] = await this.#query(this.#sql.standingOf, [await idOf(did)]);
    if (!row) return undefined;
    const { client, ...times } = JSON.parse(row['json']!);
    return { client: unescaped(client), ...present(times) };
  }

  async link(
    did: Did,
    client: ClientId,
    { maxDids = 2 ** 31, validUntil, ifNew = false }: LinkConditions = {},
  ): Promise<ClientId | undefined> {
    const [didId, clientId] = [await idOf(did), await idOf(client)];
    const end = validUntil ?? null;
    const values = [didId, escaped(did), clientId, escaped(client), maxDids, end];
    for (let attempt = 1; attempt <= MAX_LINK_ATTEMPTS; attempt++) {
      const linked = await this.#query(this.#sql.link, values);
      if (linked.length === 1) return client;
      // In statements of their own: the one above does not see what another one wrote while it ran.
      const owner = await this.clientOf(did);
      if (owner === client && ifNew) return undefined;
      if (owner === client) await this.#query(this.#sql.renew, [didId, clientId, end]);
      if (owner !== undefined) return owner;
      if (((await this.get(client))?.dids.length ?? 0) >= maxDids) return undefined;
    }
    throw xlinkError('CLIENT_STORE_UNAVAILABLE', { cause: new Error('Too many DIDs are linked at once.') });
  }

  async unlink(did: Did): Promise<ClientId | undefined> {
    const [row] = await this.#query(this.#sql.unlink, [await idOf(did)]);
    return row && unescaped(row['client']!);
  }

  async add(activity: readonly ClientActivity[], batch = randomName()): Promise<void> {
    if (activity.length === 0) return;
    await this.#query(this.#sql.add, [escaped(batch), JSON.stringify(await rowsOf(activity))]);
    const now = performance.now();
    if (now < this.#nextTidyUp) return;
    this.#nextTidyUp = now + HOUR_MS;
    this.#query(this.#sql.forget, []).catch(() => {}); // in an hour, then
  }

  async setKeyOff(client: ClientId, since: number | undefined): Promise<void> {
    await this.#query(this.#sql.setKeyOff, [await idOf(client), escaped(client), since ?? null]);
  }

  async setRevoked(client: ClientId, since: number | undefined): Promise<void> {
    await this.#query(this.#sql.setRevoked, [await idOf(client), escaped(client), since ?? null]);
  }

  #query(sql: string, values: readonly unknown[]) {
    return unavailable(() => this.#tables.query(this.#newDeadline(), sql, values));
  }

  #newDeadline(): Deadline {
    const ms = this.#timeoutMs;
    return new Deadline(ms, () => new Error(`PostgreSQL did not answer within ${ms} ms.`));
  }
}

const randomName = (): string => encodeBase64url(defaultProvider().randomBytes(16));

/** What a client or DID is found by: its name, or its beginning and hash, which together are longer than any plain one. */
async function idOf(name: string): Promise<string> {
  const plain = escaped(name);
  if (plain.length <= MAX_PLAIN) return plain;
  const hash = await defaultProvider().sha256(encodeUtf8(plain));
  return `${plain.slice(0, MAX_PLAIN)}#${encodeBase64url(hash)}`;
}

/** One row for each client: a statement cannot change the same row twice. */
async function rowsOf(activity: readonly ClientActivity[]): Promise<object[]> {
  const sums = new Map<ClientId, ClientRecord>();
  for (const one of activity) sums.set(one.client, mergeActivity(sums.get(one.client), one));
  return Promise.all(
    [...sums.values()].map(async ({ client, dids: _, failures, ...rest }) => ({
      id: await idOf(client),
      client: escaped(client),
      failures: mapKeys(failures, escaped),
      ...rest,
    })),
  );
}

function recordOf(json: string): ClientRecord {
  const { client, dids, failures, validUntil, ...rest } = JSON.parse(json);
  return {
    client: unescaped(client),
    dids: dids.map(unescaped),
    ...present(rest),
    ...(validUntil === null ? {} : { validUntil: mapKeys(validUntil, unescaped) }),
    failures: mapKeys(failures, unescaped),
  } as unknown as ClientRecord;
}

const present = (members: object): object =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));

const mapKeys = (counts: Readonly<Record<string, number>>, map: (key: string) => string) =>
  Object.fromEntries(Object.entries(counts).map(([key, count]) => [map(key), count]));
