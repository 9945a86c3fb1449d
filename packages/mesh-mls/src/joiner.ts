import type { ResolvedOptions } from './client-options.js';
import type { DeliveryClient } from './delivery/client.js';
import { assertSizes } from './delivery/sizes.js';
import type { WireInvitation } from './delivery/wire.js';
import { GroupError } from './errors.js';
import { type GroupHost, operate } from './group/host.js';
import type { KeyPool } from './key-pool.js';
import { standingOf } from './standing.js';
import { type GroupRecord, groupDocument, named, newRecord } from './state/group-record.js';
import { StateRecord } from './state/record.js';
import { toBytes, toText } from './util/bytes.js';
import type { GroupView, StateOutput } from './worker/protocol.js';

/** A group that is in the store. */
export interface StoredGroup {
  readonly document: StateRecord<GroupRecord>;
  readonly record: GroupRecord;
  readonly view: GroupView;
}

/** Gets this agent into groups: its own, by invitation, by the group info. */
export class Joiner {
  readonly #host: GroupHost;
  readonly #options: ResolvedOptions;
  readonly #sealKey: Uint8Array;
  readonly #keys: KeyPool;

  constructor(host: GroupHost, options: ResolvedOptions, sealKey: Uint8Array, keys: KeyPool) {
    this.#host = host;
    this.#options = options;
    this.#sealKey = sealKey;
    this.#keys = keys;
  }

  /** The document of a group. */
  documentOf(group: string): StateRecord<GroupRecord> {
    return new StateRecord(this.#options.store, groupDocument(this.#host.did, group), this.#sealKey);
  }

  /** A new group with this agent alone. Throws `GROUP_EXISTS`, `DELIVERY_FAILED…`. */
  async create(api: DeliveryClient, isOpen: boolean): Promise<StoredGroup> {
    const { suite, clock } = this.#options;
    const group = crypto.getRandomValues(new Uint8Array(16));
    const input = { self: this.#host.self, suite, group, now: clock(), external: isOpen };
    const { groupInfo, ...made } = await operate(this.#host, 'create', input);
    const stored = await this.#store(made, api.url, isOpen, 0);
    try {
      const id = stored.record.group;
      await api.create({ group: id, suite, ...(groupInfo ? { groupInfo: toText(groupInfo) } : {}) });
    } catch (error) {
      await stored.document.remove();
      throw error;
    }
    return stored;
  }

  /**
   * Follows an invitation; `undefined`: it is not to be followed. Who invites is whoever signed the welcome, not whom the server names. Throws `SERVER_NOT_ALLOWED`, `WELCOME_INVALID…`, `MEMBER_…`, and what may
   * pass.
   */
  async follow(invitation: WireInvitation): Promise<StoredGroup | undefined> {
    const { group, server, by, seq } = invitation;
    const api = this.#host.apiAt(server);
    const standing = await standingOf(this.#host.registry, by, this.#host.clock());
    if (standing !== 'active')
      throw new GroupError(standing === 'unknown' ? 'MEMBER_UNKNOWN' : 'MEMBER_REVOKED');
    const welcome = toBytes(await api.welcome(group, seq));
    const { externalJoin } = await api.group(group);
    const keyPackages = await this.#keys.all();
    const {
      ref,
      by: signer,
      ...made
    } = await operate(this.#host, 'join', {
      self: this.#host.self,
      welcome,
      keyPackages,
    });
    const drop = () => this.#host.worker.settle(made.held, undefined);
    if (made.view.group !== group || signer !== by) {
      drop();
      throw new GroupError(signer === by ? 'WELCOME_INVALID' : 'WELCOME_INVALID:SIGNER');
    }
    let isWanted = false;
    try {
      isWanted = await this.#options.accept({ group, server: api.url, by });
    } finally {
      if (!isWanted) drop();
    }
    if (!isWanted) return undefined;
    const stored = await this.#store(made, api.url, externalJoin, seq);
    await this.#keys.used(ref);
    return stored;
  }

  /** Joins a group that lets everybody in who is in the registry. Throws `EXTERNAL_JOIN_OFF`, `WELCOME_INVALID`, `EPOCH_CONFLICT`, `TOO_LARGE`. */
  async joinOpen(api: DeliveryClient, group: string): Promise<StoredGroup> {
    const groupInfo = toBytes(await api.info(group));
    const input = { self: this.#host.self, groupInfo, now: this.#options.clock() };
    const { commit, groupInfo: next, ...made } = await operate(this.#host, 'joinExternal', input);
    try {
      if (made.view.group !== group) throw new GroupError('WELCOME_INVALID');
      assertSizes({ commit, groupInfo: next });
      const epoch = made.view.epoch - 1;
      const join = { added: [this.#host.did], removed: [], external: true };
      const wire = { epoch, commit: toText(commit), groupInfo: toText(next), ...join };
      const { seq } = await api.commit(group, wire);
      return await this.#store(made, api.url, true, seq);
    } catch (error) {
      this.#host.worker.settle(made.held, undefined);
      throw error;
    }
  }

  async #store(made: StateOutput, server: string, externalJoin: boolean, seq: number): Promise<StoredGroup> {
    const { held, bytes, view } = made;
    this.#host.worker.settle(held, undefined);
    const { group, suite } = view;
    const record = newRecord({ group, server, suite, externalJoin, state: named(bytes), seq });
    const document = this.documentOf(group);
    const before = await document.load().catch(() => undefined);
    if (before && !before.isRemoved && before.seq >= seq) throw new GroupError('GROUP_EXISTS');
    if (!(await document.save(record))) throw new GroupError('STATE_CONFLICT');
    return { document, record, view };
  }
}
