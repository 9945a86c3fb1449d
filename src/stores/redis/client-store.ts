import { defaultProvider } from '#provider';
import { mergeActivity } from '../../adapters/clients/memory-store.js';
import type {
  ClientActivity,
  ClientRecord,
  ClientStore,
  LinkConditions,
  Standing,
} from '../../adapters/clients/store.js';
import type { OnWarning } from '../../agent/warnings.js';
import type { ClientId, Did } from '../../types/protocol.js';
import { encodeBase64url } from '../../util/base64url.js';
import { BoundedMap } from '../../util/bounded-map.js';
import { checkOptions, integerIn, isFunction, requireOption } from '../../util/options.js';
import { ownText } from '../../util/own-text.js';
import { escaped, unescaped } from '../ascii-json.js';
import { unavailable } from '../unavailable.js';
import { isRedisClient, type RedisClient } from './client.js';
import {
  addCommands,
  addDidCommands,
  type ClientCommand,
  doneKey,
  keyOffCommands,
  placeCommand,
  readCommand,
  recordOf,
  removeDidCommand,
  revokedCommands,
  standingCommand,
  standingOf,
} from './client-record.js';
import { isRedisKey } from './commands.js';
import { RedisConnection } from './connection.js';

/** Options of {@link RedisClientStore}. */
export interface RedisClientStoreOptions {
  /** A client or cluster of `ioredis` or `redis` (node-redis), made with `redisClientOptions`; it stays yours to end. */
  readonly client: RedisClient;
  /**
   * In front of every key; 1 to 128 characters without spaces and braces. Default `xlink:clients:`. APIs that have
   * customers of their own need prefixes of their own.
   */
  readonly keyPrefix?: string;
  /** How long Redis may take for one command, in ms. Default 1000: so long a request with a key waits if Redis does not answer. */
  readonly timeoutMs?: number;
  /** Told if the client lacks time limits, or Redis may evict. Default: printed, once in a process. */
  readonly onWarning?: OnWarning;
}

/** DIDs whose client is remembered, so that what it says of them is asked for at once. */
const LAST_OWNERS = 10_000;
/** Clients that are read or written at a time. */
const PORTION = 100;
/** How long a batch is remembered that is known to be in: a copy of it on a broken connection is dead by then. */
const SETTLED_MS = 10_000;

/**
 * What is known about clients in Redis (6.2 or later) or a Redis Cluster, shared by all instances: one cut-over report for
 * all of them, and what is set on one (a key that is switched off, a client that has moved) counts on all with the next
 * request.
 *
 * No scripts. A client is one sorted set at `<prefix>{<id>}`, a DID is a key that holds the id of its client, and
 * `<prefix>all` is the set of ids. `add` is one MULTI for each client, which adds nothing if that batch is already in: a
 * batch that was cut in half, or whose answer got lost, is completed when it is given again. A batch in doubt is remembered
 * for a day; one that is given again after more than a day without a connection could count twice. Without the name of a
 * batch, nothing is recognized.
 *
 * A DID is added to its client before it is linked: if Redis goes away in between, the client's record names a DID that is
 * not enrolled yet, until the client tries again.
 *
 * **What Redis must be told.** Switch on the append-only file (`appendonly yes`), or a restart forgets which keys are off
 * and who has moved; with `appendfsync everysec`, a crash forgets up to a second. Never let it evict
 * (`maxmemory-policy noeviction`). Do not read from replicas (`scaleReads`, `useReplicas`): they learn late that a key is
 * off. After a failover the last writes may be missing. If that is too weak, use Postgres.
 *
 * Calls reject with `CLIENT_STORE_UNAVAILABLE`, the error of the client as `cause`. A change that ran out of time may
 * happen all the same; it is safe to make it again.
 */
export class RedisClientStore implements ClientStore {
  readonly #connection: RedisConnection<'RedisClientStore'>;
  readonly #prefix: string;
  /** The client that each DID was linked to when it was asked for last: a guess, which Redis confirms each time. */
  readonly #lastOwners = new BoundedMap<Did, ClientId>(LAST_OWNERS);

  /** Throws `INVALID_OPTION`, also for a client of any other kind. */
  constructor(options: RedisClientStoreOptions) {
    checkOptions('RedisClientStore', options, {
      client: isRedisClient,
      keyPrefix: isRedisKey,
      timeoutMs: integerIn(1, 600_000),
      onWarning: isFunction,
    });
    requireOption('RedisClientStore', options, 'client');
    const { client, keyPrefix = 'xlink:clients:', timeoutMs = 1000, onWarning } = options;
    this.#connection = new RedisConnection('RedisClientStore', { client, timeoutMs, onWarning });
    this.#prefix = this.#connection.keyPrefix + keyPrefix;
  }

  async get(client: ClientId): Promise<ClientRecord | undefined> {
    return unavailable(() => this.#read(client));
  }

  /** In no order. Not of one moment: what changes meanwhile may be in it or not. */
  async list(): Promise<ClientRecord[]> {
    return unavailable(async () => {
      const records: ClientRecord[] = [];
      for (const portion of portionsOf([...(await this.#names())])) {
        const read = await Promise.all(portion.map((client) => this.#read(client)));
        records.push(...read.filter((record) => record !== undefined));
      }
      return records;
    });
  }

  async clientOf(did: Did): Promise<ClientId | undefined> {
    return unavailable(() => this.#ownerOf(did));
  }

  /** One round trip for a DID that this instance has seen before, and is linked as it was then. */
  async standingOf(did: Did): Promise<Standing | undefined> {
    return unavailable(async () => {
      const didKey = this.#didKey(did);
      const read: ClientCommand = ['GET', didKey];
      const guess = this.#lastOwners.get(did);
      const guessed = guess === undefined ? [] : [this.#standingQuestion(guess, did)];
      const [owner, scores] = await this.#connection.inOrder([[didKey, read], ...guessed]);
      if (typeof owner !== 'string') return undefined;
      const client = unescaped(owner);
      if (client === guess) return standingOf(client, scores);
      this.#lastOwners.set(ownText(did), client);
      return standingOf(client, await this.#connection.call(...this.#standingQuestion(client, did)));
    });
  }

  async link(did: Did, client: ClientId, options: LinkConditions = {}): Promise<ClientId | undefined> {
    const { ifNew = false } = options;
    return unavailable(async () => {
      const owner = await this.#ownerOf(did);
      if (owner !== undefined && owner !== client) return owner;
      if (owner !== undefined && ifNew) return undefined;
      await this.#enlist([client]);
      if (!(await this.#addDid(did, client, options, owner === client))) return undefined;
      const didKey = this.#didKey(did);
      const made = await this.#connection.call(didKey, ['SET', didKey, escaped(client), 'NX']);
      const linked = await this.#ownerOf(did);
      if (linked === undefined) throw new Error('Redis does not keep what is written to it.');
      if (linked !== client) await this.#removeDid(did, client);
      else if (made === null && ifNew) return undefined;
      return linked;
    });
  }

  async unlink(did: Did): Promise<ClientId | undefined> {
    return unavailable(async () => {
      const client = await this.#ownerOf(did);
      if (client === undefined) return undefined;
      await this.#removeDid(did, client); // first: what is cut off here leaves a link, which can be undone again
      const didKey = this.#didKey(did);
      const reply = await this.#connection.call(didKey, ['GETDEL', didKey]);
      if (typeof reply !== 'string') return undefined;
      const unlinked = unescaped(reply);
      if (unlinked !== client) await this.#removeDid(did, unlinked);
      return unlinked;
    });
  }

  async add(activity: readonly ClientActivity[], batch = randomName()): Promise<void> {
    const sums = new Map<ClientId, ClientRecord>();
    for (const one of activity) sums.set(one.client, mergeActivity(sums.get(one.client), one));
    const name = escaped(batch);
    await unavailable(async () => {
      for (const portion of portionsOf([...sums.values()])) {
        const enlisted = this.#enlist(portion.map(({ client }) => client));
        const added = portion.map((one) => this.#addOne(one, name));
        // Not `all`: when this rejects, nothing of it is under way any more.
        const done = await Promise.allSettled([enlisted, ...added]);
        for (const one of done) if (one.status === 'rejected') throw one.reason;
      }
    });
  }

  async setKeyOff(client: ClientId, since: number | undefined): Promise<void> {
    const key = this.#keyOf(client);
    await unavailable(async () => {
      await this.#enlist([client]);
      await this.#connection.transaction(key, keyOffCommands(key, since));
    });
  }

  async setRevoked(client: ClientId, since: number | undefined): Promise<void> {
    const key = this.#keyOf(client);
    await unavailable(async () => {
      await this.#enlist([client]);
      await this.#connection.transaction(key, revokedCommands(key, since));
    });
  }

  /**
   * Whether there is room for it. Everyone who adds a DID sees in the same step how many there are: of those who come at
   * once, the first stay and the others take theirs back.
   */
  async #addDid(
    did: Did,
    client: ClientId,
    { maxDids = Infinity, validUntil, ifNew = false }: LinkConditions,
    isLinked: boolean,
  ): Promise<boolean> {
    if (!isLinked && maxDids < 1) return false;
    const key = this.#keyOf(client);
    const place = Number(await this.#connection.call(key, placeCommand(key)));
    const commands = addDidCommands(key, did, { place, validUntil, ifNew });
    const [added, , record] = await this.#connection.transaction(key, commands);
    if (isLinked || recordOf(client, record)!.dids.length <= maxDids) return true;
    if (Number(added) === 1) await this.#removeDid(did, client);
    return false;
  }

  #removeDid(did: Did, client: ClientId): Promise<unknown> {
    const key = this.#keyOf(client);
    return this.#connection.call(key, removeDidCommand(key, did));
  }

  #standingQuestion(client: ClientId, did: Did): [key: string, command: ClientCommand] {
    const key = this.#keyOf(client);
    return [key, standingCommand(key, did)];
  }

  async #addOne(activity: ClientActivity, batch: string): Promise<void> {
    const key = this.#keyOf(activity.client);
    await this.#connection.transaction(key, addCommands(key, activity, batch));
    const forget: ClientCommand = ['PEXPIRE', doneKey(key, batch), String(SETTLED_MS)];
    this.#connection.call(key, forget).catch(() => {}); // then it stays for a day
  }

  async #read(client: ClientId): Promise<ClientRecord | undefined> {
    const key = this.#keyOf(client);
    return recordOf(client, await this.#connection.call(key, readCommand(key)));
  }

  async #ownerOf(did: Did): Promise<ClientId | undefined> {
    const key = this.#didKey(did);
    const owner = await this.#connection.call(key, ['GET', key]);
    return typeof owner === 'string' ? unescaped(owner) : undefined;
  }

  /** Not later than anything else is written about a client: one that is listed and unknown does no harm. */
  async #enlist(clients: readonly ClientId[]): Promise<void> {
    const key = `${this.#prefix}all`;
    await this.#connection.call(key, ['SADD', key, ...clients.map(escaped)]);
  }

  async #names(): Promise<Set<ClientId>> {
    const key = `${this.#prefix}all`;
    const names = new Set<ClientId>();
    let cursor = '0';
    do {
      const step = (await this.#connection.call(key, ['SSCAN', key, cursor, 'COUNT', '1000'])) as [
        unknown,
        string[],
      ];
      cursor = String(step[0]);
      for (const name of step[1]) names.add(unescaped(name));
    } while (cursor !== '0');
    return names;
  }

  /** What is in braces decides the node of a cluster: it is never empty, and the same for all keys of a client. */
  #keyOf(client: ClientId): string {
    return `${this.#prefix}{"${escaped(client)}"}`;
  }

  #didKey(did: Did): string {
    return `${this.#prefix}did:"${escaped(did)}"`;
  }
}

const randomName = (): string => encodeBase64url(defaultProvider().randomBytes(16));

function* portionsOf<T>(all: readonly T[]): Iterable<readonly T[]> {
  for (let from = 0; from < all.length; from += PORTION) yield all.slice(from, from + PORTION);
}
