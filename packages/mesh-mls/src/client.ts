import { createPrivateKey, createPublicKey } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type MlsClientOptions, type ResolvedOptions, resolveOptions } from './client-options.js';
import { makeIdentity, SIGNATURE_LABEL, STATE_LABEL } from './credential.js';
import { DeliveryClient } from './delivery/client.js';
import { newsPart } from './delivery/news-part.js';
import type { WireInvitation } from './delivery/wire.js';
import { GroupError, isGroupError } from './errors.js';
import { tellTo } from './events.js';
import { MlsGroup } from './group/group.js';
import { type GroupHost, operate } from './group/host.js';
import { GroupState, inputOf } from './group/state.js';
import { Joiner, type StoredGroup } from './joiner.js';
import { KeyPool, mayPass } from './key-pool.js';
import { keysDocument, kindOf } from './state/group-record.js';
import { StateRecord } from './state/record.js';
import { Lock } from './util/lock.js';
import { sharedWorker } from './worker/worker.js';

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const MIN_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
/** Joins of an open group that may come first before it is given up. */
const MAX_JOINS = 20;

/** The groups of one agent: makes and joins them, and reads their logs in the background. Methods throw a `GroupError`. */
export class MlsClient {
  readonly #host: GroupHost;
  readonly #options: ResolvedOptions;
  readonly #joiner: Joiner;
  readonly #keys: KeyPool;
  readonly #closed: AbortController;
  readonly #groups = new Map<string, MlsGroup>();
  readonly #joined = new Set<(group: MlsGroup) => void>();
  /** Groups that failed, and when they are read again; `performance.now()`. */
  readonly #failing = new Map<string, { readonly until: number; readonly delay: number }>();
  /** The same invitation may come by two servers. */
  readonly #inviting = new Lock();
  /** The calls for news that wait. */
  readonly #turns = new Map<DeliveryClient, AbortController>();
  readonly #loops: Promise<void>[] = [];
  readonly #ends: (() => void)[] = [];

  private constructor(
    options: ResolvedOptions,
    parts: { host: GroupHost; joiner: Joiner; keys: KeyPool; closed: AbortController },
  ) {
    this.#options = options;
    this.#host = parts.host;
    this.#joiner = parts.joiner;
    this.#keys = parts.keys;
    this.#closed = parts.closed;
  }

  /**
   * Derives the keys, opens the groups of the store, publishes key packages and begins to read. Throws `INVALID_OPTION`,
   * `STATE_…`, `DELIVERY_FAILED…`.
   */
  static async start(given: MlsClientOptions): Promise<MlsClient> {
    const options = resolveOptions(given);
    const { agent, store, onEvent, worker = sharedWorker() } = options;
    const did = await agent.ready();
    const sealKey = await agent.deriveSubkey(STATE_LABEL);
    const closed = new AbortController();
    const apis = apisOf(options, closed.signal);
    const apiAt = (url: string): DeliveryClient => {
      const api = apis.get(url.replace(/\/+$/, ''));
      if (!api) throw new GroupError('SERVER_NOT_ALLOWED');
      return api;
    };
    const home = apiAt(options.server);
    const host: GroupHost = {
      did,
      self: await selfOf(agent),
      registry: agent.registry,
      worker,
      apiAt,
      homeOf: (one) => (options.homeOf ? options.homeOf(one).replace(/\/+$/, '') : home.url),
      tell: (event) => tellTo(onEvent, event),
      removeDelayMs: options.removeDelayMs,
      closed: closed.signal,
      clock: options.clock,
    };
    const keysRecord = new StateRecord<never>(store, keysDocument(did), sealKey);
    const keys = new KeyPool(host, keysRecord, home, {
      suites: options.suites,
      count: options.keyPackages,
      clock: options.clock,
    });
    const joiner = new Joiner(host, options, sealKey, keys);
    const client = new MlsClient(options, { host, joiner, keys, closed });
    try {
      await client.#open();
      await keys.fill();
    } catch (error) {
      await client.close();
      throw error;
    }
    client.#begin([...apis.values()]);
    return client;
  }

  /** The agent. */
  get did(): string {
    return this.#host.did;
  }

  /** Groups in which this agent is a member. */
  get groups(): readonly MlsGroup[] {
    return [...this.#groups.values()].filter(({ isActive }) => isActive);
  }

  /** The group of this id, also one that this agent was removed from; `undefined`: it was never in it. */
  group(id: string): MlsGroup | undefined {
    return this.#groups.get(id);
  }

  /** Makes a group at `server`. `externalJoin`: whoever is in the registry may join it without invitation. Default `false`. */
  async create(options: { readonly externalJoin?: boolean } = {}): Promise<MlsGroup> {
    this.#assertOpen();
    const api = this.#host.apiAt(this.#options.server);
    return this.#add(await this.#joiner.create(api, options.externalJoin === true), this.did);
  }

  /** Joins a group that was made with `externalJoin`. `server`: where it is. Throws `EXTERNAL_JOIN_OFF`. */
  async join(id: string, server: string = this.#options.server): Promise<MlsGroup> {
    this.#assertOpen();
    for (let attempt = 1; ; attempt++) {
      try {
        return this.#add(await this.#joiner.joinOpen(this.#host.apiAt(server), id), this.did);
      } catch (error) {
        if (!isGroupError(error, 'EPOCH_CONFLICT') || attempt === MAX_JOINS) throw error;
        await pause(Math.random() * 50 * attempt);
      }
    }
  }

  /** Calls the listener with each group that this agent gets into from now on, until the returned function is called. */
  onGroup(listener: (group: MlsGroup) => void): () => void {
    this.#joined.add(listener);
    return () => void this.#joined.delete(listener);
  }

  /** Reads all logs and invitations once, now. The client does so by itself. */
  async sync(): Promise<void> {
    this.#assertOpen();
    for (const api of this.#apis()) await this.#invitations(api);
    for (const group of this.groups) await group.sync();
  }

  /** Stops. Groups stay in the store. Once more does nothing. */
  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    for (const end of this.#ends.splice(0)) end();
    for (const group of this.#groups.values()) await group.close().catch(() => {}); // what was not written comes again
    this.#closed.abort();
    await Promise.all(this.#loops);
  }

  #apis(): readonly DeliveryClient[] {
    const { server, servers } = this.#options;
    return [...new Set([server, ...servers])].map((url) => this.#host.apiAt(url));
  }

  async #open(): Promise<void> {
    const kind = kindOf(this.did);
    let found: readonly { readonly id: string }[];
    try {
      found = await this.#options.store.list(kind);
    } catch (cause) {
      throw new GroupError('STATE_UNAVAILABLE', { cause });
    }
    for (const { id } of found) {
      const [, group] = /\/group\/([\w-]+)$/.exec(id) ?? [];
      if (group === undefined) continue;
      await this.#reopen(group).catch((error: unknown) => {
        if (mayPass(error)) throw error;
        this.#fault(error, group); // the others are opened all the same
      });
    }
  }

  async #reopen(group: string): Promise<void> {
    const document = this.#joiner.documentOf(group);
    const record = await document.load();
    if (!record || record.isRemoved) return;
    const view = await operate(this.#host, 'view', { state: inputOf(record.state) });
    this.#put({ document, record, view });
  }

  #put({ document, record, view }: StoredGroup): MlsGroup {
    const group = new MlsGroup(this.#host, new GroupState(this.#host, document, record, view));
    this.#groups.set(group.id, group);
    this.#failing.delete(group.id);
    this.#turns.get(this.#host.apiAt(group.server))?.abort(); // which did not know of it
    return group;
  }

  #add(stored: StoredGroup, by: string): MlsGroup {
    const group = this.#put(stored);
    this.#host.tell({ type: 'joined', group: group.id, by });
    for (const listener of [...this.#joined]) listener(group);
    void group.recheck().catch((error: unknown) => this.#fault(error, group.id));
    return group;
  }

  #begin(apis: readonly DeliveryClient[]): void {
    for (const api of apis) this.#loops.push(this.#read(api));
    const { registry } = this.#host as {
      registry: { onChange?: (listener: (did?: string) => void) => () => void };
    };
    const recheck = (did?: string) => {
      for (const group of this.groups)
        group.recheck(did).catch((error: unknown) => this.#fault(error, group.id));
    };
    const end = registry.onChange?.(recheck);
    if (end) this.#ends.push(end);
    const timer = setInterval(recheck, this.#options.recheckMs);
    timer.unref();
    this.#ends.push(() => clearInterval(timer));
    recheck();
  }

  async #read(api: DeliveryClient): Promise<void> {
    let count = 0;
    for (let delay = MIN_BACKOFF_MS; !this.#closed.signal.aborted; ) {
      const turn = new AbortController();
      this.#turns.set(api, turn);
      try {
        const part = newsPart(this.#known(api), count++, this.#options.waitMs);
        const { groups, invitations } = await api.news(part.known, part.waitMs, turn.signal);
        if (invitations) await this.#invitations(api);
        await Promise.all(groups.map((id) => this.#follow(id)));
        delay = MIN_BACKOFF_MS;
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        if (turn.signal.aborted) continue;
        this.#fault(error);
        await pause(delay * (0.5 + Math.random() / 2), undefined, { signal: this.#closed.signal }).catch(
          () => {},
        );
        delay = Math.min(delay * 2, MAX_BACKOFF_MS);
      }
    }
  }

  /** Logs that are read at this server: not those that cannot go on. */
  #known(api: DeliveryClient): Map<string, number> {
    const now = performance.now();
    const known = new Map<string, number>();
    for (const group of this.groups) {
      const isFailing = (this.#failing.get(group.id)?.until ?? 0) > now;
      if (group.server === api.url && !isFailing && group.hasRoom) known.set(group.id, group.seq);
    }
    return known;
  }

  async #follow(id: string): Promise<void> {
    try {
      await this.#groups.get(id)?.sync();
      this.#failing.delete(id);
    } catch (error) {
      if (isGroupError(error, 'CLOSED')) return;
      const delay = Math.min((this.#failing.get(id)?.delay ?? 500) * 2, 60_000);
      const isOver =
        isGroupError(error) && ['GROUP_FORKED', 'STATE_ROLLED_BACK', 'LOG_GONE'].includes(error.id);
      this.#failing.set(id, { delay, until: isOver ? Number.POSITIVE_INFINITY : performance.now() + delay });
      this.#fault(error, id);
    }
  }

  async #invitations(api: DeliveryClient): Promise<void> {
    const seen: number[] = [];
    for (const invitation of await api.invitations()) {
      try {
        await this.#inviting.run(() => this.#invited(invitation));
      } catch (error) {
        if (mayPass(error)) throw error;
        this.#fault(error, invitation.group);
      }
      seen.push(invitation.id);
    }
    if (seen.length > 0) await api.seen(seen);
  }

  async #invited(invitation: WireInvitation): Promise<void> {
    const known = this.#groups.get(invitation.group);
    if (known?.isActive && known.seq >= invitation.seq) return;
    if (!known && this.groups.length >= this.#options.maxGroups) throw new GroupError('TOO_MANY');
    await known?.close();
    const stored = await this.#joiner.follow(invitation);
    if (stored) this.#add(stored, invitation.by);
  }

  #fault(error: unknown, group?: string): void {
    this.#host.tell({ type: 'fault', error, ...(group === undefined ? {} : { group }) });
  }

  #assertOpen(): void {
    if (this.#closed.signal.aborted) throw new GroupError('CLOSED');
  }
}

function apisOf(options: ResolvedOptions, closed: AbortSignal): Map<string, DeliveryClient> {
  const { agent, timeoutMs, fetch } = options;
  const urls = [options.server, ...options.servers].map((url) => url.replace(/\/+$/, ''));
  return new Map(urls.map((url) => [url, new DeliveryClient(url, agent, timeoutMs, closed, fetch)]));
}

/** The signature key is derived from the seed of the identity, and bound to the DID by a statement that it signs. */
async function selfOf(agent: ResolvedOptions['agent']): Promise<GroupHost['self']> {
  const seed = await agent.deriveSubkey(SIGNATURE_LABEL);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = new Uint8Array(
    createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32),
  );
  return { identity: await makeIdentity(agent, publicKey), publicKey, seed };
}
