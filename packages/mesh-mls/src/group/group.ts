import { setTimeout as pause } from 'node:timers/promises';
import type { DeliveryClient } from '../delivery/client.js';
import { LIMITS } from '../delivery/wire.js';
import { GroupError, isGroupError } from '../errors.js';
import { named } from '../state/group-record.js';
import type { MlsSuite } from '../suites.js';
import { nameOf, toText } from '../util/bytes.js';
import { invalidOption } from '../util/options.js';
import { Committer } from './committer.js';
import { type GroupHost, operate } from './host.js';
import { type GroupMessageListener, Inbox } from './inbox.js';
import { GroupKeeper } from './keeper.js';
import { LogReader } from './reader.js';
import { type GroupState, inputOf } from './state.js';

/** A send begins anew so often when commits of others come between. */
const MAX_REBASES = 50;
const MAX_POSTS = 4;
/** Messages that may wait for a listener before the log is not read further. */
const MAX_INBOX = 1000;
/** The names of so many messages that are not in the log yet are kept. */
const MAX_SENT = 256;
/** Bytes that MLS, its header and its padding add at most. */
const AROUND = 1024;

const DID = /^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/;

/**
 * A group in which this agent is a member. Every change is written before anything leaves the process. Methods throw a `GroupError`:
 * `REMOVED`, `LEAVING`, `GROUP_FORKED`, `STATE_…`, `DELIVERY_FAILED…`, `CLOSED`, beside what they say.
 */
export class MlsGroup {
  readonly #host: GroupHost;
  readonly #state: GroupState;
  readonly #api: DeliveryClient;
  /** The epoch in which it was told that the server has other members. */
  #comparedAt: number | undefined;
  readonly #reader: LogReader;
  readonly #committer: Committer;
  readonly #keeper: GroupKeeper;
  readonly #inbox: Inbox;
  /** Resolves when this agent is no member any more (`removed`), or the group was closed here (`closed`). */
  readonly ended: Promise<'removed' | 'closed'>;
  #end!: (how: 'removed' | 'closed') => void;
  #isClosed = false;

  /** Made by a client. @internal */
  constructor(host: GroupHost, state: GroupState) {
    this.#host = host;
    this.#state = state;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#api = host.apiAt(state.record.server);
    this.#inbox = new Inbox(state, (error) => host.tell({ type: 'fault', group: this.id, error }));
    this.#reader = new LogReader(host, state, this.#api, (ids) => {
      this.#inbox.add(ids);
      this.#lookForEnd();
    });
    this.#committer = new Committer(host, state, this.#api, this.#reader);
    this.#keeper = new GroupKeeper(host, state, (dids) => this.remove(dids));
  }

  /** 16 random bytes as base64url. */
  get id(): string {
    return this.#state.view.group;
  }

  /** The URL of the server that orders its log. */
  get server(): string {
    return this.#state.record.server;
  }

  /** The cipher suite, for good. */
  get suite(): MlsSuite {
    return this.#state.view.suite;
  }

  /** Counts commits: 0 for a group that was just made. */
  get epoch(): number {
    return this.#state.view.epoch;
  }

  /** DIDs, in the order of the tree. */
  get members(): readonly string[] {
    return this.#state.view.members.map(({ did }) => did);
  }

  /** `false`: this agent was removed, or the group was closed here. */
  get isActive(): boolean {
    return this.#state.view.isActive && !this.#state.record.isRemoved && !this.#isClosed;
  }

  /** The number of the last log entry that was read. @internal */
  get seq(): number {
    return this.#state.record.seq;
  }

  /** Whether it may be read on: listeners are not far behind. @internal */
  get hasRoom(): boolean {
    return this.#inbox.waiting < MAX_INBOX;
  }

  /**
   * 22 characters that all members of this epoch have in common, and nobody else: to be compared by another way, for a delivery service
   * that keeps two halves of a group apart for good shows in nothing else.
   */
  fingerprint(): string {
    return this.#state.view.check;
  }

  /**
   * Adds members by one commit: their key packages are fetched, checked and used up. Those who are members are left out. Throws
   * `KEY_PACKAGE_…`, `MEMBER_UNKNOWN`, `MEMBER_REVOKED`, `CREDENTIAL_INVALID`, `GROUP_FULL`, `TOO_LARGE`.
   */
  async add(dids: string | readonly string[]): Promise<void> {
    const add = didsOf('add', dids);
    return this.#work(() => this.#committer.commit({ add, remove: [] }, () => this.#keeper.revoked));
  }

  /** Removes members by one commit; from then on they can read nothing. Those who are none are left out. */
  async remove(dids: string | readonly string[]): Promise<void> {
    const remove = didsOf('remove', dids);
    if (remove.includes(this.#host.did)) throw invalidOption('dids', 'remove: call leave() to go yourself.');
    return this.#work(() => this.#committer.commit({ add: [], remove }, () => this.#keeper.revoked));
  }

  /** Gives this member new keys: who had the old state can read nothing that follows. */
  rekey(): Promise<void> {
    return this.#work(() => this.#committer.commit({ add: [], remove: [] }, () => this.#keeper.revoked));
  }

  /**
   * Sends up to 63 KiB to all members, padded to 256 bytes at least. Resolves once the server has it. A revoked member is removed first.
   * Throws `MESSAGE_TOO_LARGE`.
   */
  async send(data: Uint8Array): Promise<void> {
    if (!(data instanceof Uint8Array)) throw invalidOption('data', 'send: data must be a Uint8Array.');
    assertSendable(data);
    return this.#work(async () => {
      for (let attempt = 0; attempt < MAX_REBASES; attempt++) {
        this.#assertSending();
        await this.#committer.finish();
        const { revoked } = this.#keeper;
        if (revoked.length > 0) await this.#committer.commit({ add: [], remove: revoked }, () => revoked);
        const { record, view } = this.#state;
        if (!view.isActive) throw new GroupError('REMOVED');
        const { message, ...made } = await operate(this.#host, 'encrypt', {
          state: inputOf(record.state),
          data,
        });
        const sent = [...record.sent, nameOf(message)].slice(-MAX_SENT);
        await this.#state.store({ ...record, state: named(made.bytes), sent }, made.held, made.view);
        if (await this.#post('message', view.epoch, message)) return;
      }
      throw new GroupError('EPOCH_CONFLICT');
    });
  }

  /** Asks to be removed; a member that is there does it. Nothing can be sent from then on. */
  leave(): Promise<void> {
    return this.#work(async () => {
      if (this.#state.record.leavingAt !== undefined) return;
      await this.#committer.finish();
      if (this.#state.view.members.length === 1)
        await this.#state.store({ ...this.#state.record, isRemoved: true });
      else await this.#askToGo();
      this.#lookForEnd();
    });
  }

  /** Calls the listener with each message from now on, until the returned function is called. The first one gets what waited. */
  onMessage(listener: GroupMessageListener): () => void {
    return this.#inbox.listen(listener);
  }

  /** Reads the log to its end. The client does so by itself. */
  sync(): Promise<void> {
    return this.#state.run(async () => {
      this.#assertOpen();
      const { epoch } = this.#state.view;
      await this.#reader.pull();
      await this.#committer.finish();
      const { record, view } = this.#state;
      if (record.leavingAt !== undefined && view.isActive && view.epoch > record.leavingAt)
        await this.#askToGo();
      await this.#tellNotices();
      if (view.epoch !== epoch)
        void this.recheck().catch((error: unknown) =>
          this.#host.tell({ type: 'fault', group: this.id, error }),
        );
      this.#keeper.look();
      this.#lookForEnd();
    });
  }

  /**
   * Asks the registry about a member, or all, and has revoked ones removed; for all, also compares the members that the server serves with
   * those of the group: `MEMBERS_DIFFER` is told as a `fault`. The client does so by itself.
   */
  async recheck(did?: string): Promise<void> {
    if (!this.isActive) return;
    await this.#keeper.check(did);
    if (did === undefined) await this.#compareMembers();
  }

  /** The server believes members about whom they add and remove, for it cannot look into commits. Tells once an epoch. */
  async #compareMembers(): Promise<void> {
    const { epoch, members } = this.#state.view;
    const own = members.map((one) => one.did).sort();
    const said = await this.#api.group(this.id).catch((error: unknown) => {
      if (isGroupError(error, 'NOT_A_MEMBER')) return { epoch, members: [] }; // though this agent is, by its own state
      throw error;
    });
    const isSame = own.join() === [...said.members].sort().join();
    const hasMoved = said.epoch !== epoch || this.#state.view.epoch !== epoch || !this.isActive;
    if (isSame || hasMoved || this.#comparedAt === epoch) return;
    this.#comparedAt = epoch;
    this.#host.tell({ type: 'fault', group: this.id, error: new GroupError('MEMBERS_DIFFER') });
  }

  /** Forgets listeners and ends what is planned; the state stays in the store. Once more does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#keeper.stop();
    this.#end('closed');
    await this.#inbox.settled();
    await this.#state.run(async () => {
      if (this.#state.done.size > 0) await this.#state.store(this.#state.record);
    });
  }

  /** What was sent before the end is heard first. */
  #lookForEnd(): void {
    if (this.#state.view.isActive && !this.#state.record.isRemoved) return;
    void this.#inbox.settled().then(() => this.#end('removed'));
  }

  async #work(work: () => Promise<void>): Promise<void> {
    await this.#state.run(async () => {
      this.#assertSending();
      await work();
      await this.#tellNotices();
    });
  }

  async #askToGo(): Promise<void> {
    for (let attempt = 0; attempt < MAX_REBASES; attempt++) {
      const { record, view } = this.#state;
      const { proposal, ...made } = await operate(this.#host, 'leave', { state: inputOf(record.state) });
      const sent = [...record.sent, nameOf(proposal)].slice(-MAX_SENT);
      const next = { ...record, state: named(made.bytes), sent, leavingAt: view.epoch };
      await this.#state.store(next, made.held, made.view);
      if (await this.#post('proposal', view.epoch, proposal)) return;
      if (!this.#state.view.isActive) return;
    }
    throw new GroupError('EPOCH_CONFLICT');
  }

  /** `false`: the group has another epoch, which was read. The same bytes may be brought again: members take them once. */
  async #post(kind: 'message' | 'proposal', epoch: number, bytes: Uint8Array): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { seq } = await this.#api.post(this.id, { kind, epoch, message: toText(bytes) });
        const { record } = this.#state;
        if (seq === record.seq + 1) {
          const sent = record.sent.filter((name) => name !== nameOf(bytes));
          this.#state.remember({ ...record, seq, sent });
        }
        return true;
      } catch (error) {
        if (isGroupError(error, 'EPOCH_CONFLICT')) {
          await this.#reader.pull();
          return false;
        }
        if (!isGroupError(error, 'DELIVERY_FAILED:UNKNOWN_OUTCOME') || attempt >= MAX_POSTS) throw error;
        await pause(100 * 2 ** attempt * Math.random());
      }
    }
  }

  /** Members whose home is another server hear there that they were added. */
  async #tellNotices(): Promise<void> {
    const { record } = this.#state;
    if (record.notices.length === 0) return;
    for (const { to, server, seq } of record.notices)
      await this.#host.apiAt(server).invite({ to, group: this.id, server: record.server, seq });
    await this.#state.store({ ...this.#state.record, notices: [] });
  }

  #assertOpen(): void {
    if (this.#isClosed || this.#host.closed.aborted) throw new GroupError('CLOSED');
  }

  #assertSending(): void {
    this.#assertOpen();
    const { record, view } = this.#state;
    if (record.isForked) throw new GroupError('GROUP_FORKED');
    if (record.isRolledBack) throw new GroupError('STATE_ROLLED_BACK');
    if (record.isRemoved || !view.isActive) throw new GroupError('REMOVED');
    if (record.leavingAt !== undefined) throw new GroupError('LEAVING');
  }
}

function assertSendable({ length }: Uint8Array): void {
  const most = LIMITS.messageBytes - AROUND;
  if (length > most)
    throw new GroupError('MESSAGE_TOO_LARGE', {
      field: 'data',
      hint: `It has ${length} bytes, and a group takes at most ${most}: send it in parts, or a reference.`,
    });
}

function didsOf(owner: string, dids: string | readonly string[]): readonly string[] {
  const all = [...new Set(typeof dids === 'string' ? [dids] : dids)];
  if (all.length === 0 || !all.every((did) => DID.test(did)))
    throw invalidOption('dids', `${owner}: dids must be one or more did:key of Ed25519 keys.`);
  return all;
}
