import type { DeliveryClient } from '../delivery/client.js';
import type { WireEntry } from '../delivery/wire.js';
import { GroupError, isGroupErrorId } from '../errors.js';
import { named } from '../state/group-record.js';
import { nameOf, toBytes, toText } from '../util/bytes.js';
import type { LogEntry, Taken } from '../worker/protocol.js';
import { type GroupHost, operate } from './host.js';
import { type GroupState, inputOf } from './state.js';

/** Reads the log of a group: what others did is applied in order, what this member did is recognized. */
export class LogReader {
  readonly #host: GroupHost;
  readonly #state: GroupState;
  readonly #api: DeliveryClient;
  readonly #onInbox: (ids: readonly string[]) => void;
  /** Name of the last commit of ours that the server took. */
  adopted: string | undefined;

  /** `onInbox`: told the ids of messages that are in the inbox now. */
  constructor(
    host: GroupHost,
    state: GroupState,
    api: DeliveryClient,
    onInbox: (ids: readonly string[]) => void,
  ) {
    this.#host = host;
    this.#state = state;
    this.#api = api;
    this.#onInbox = onInbox;
  }

  /** Reads to the end, within a work of the state. Throws what ends the group, and what may pass. */
  async pull(): Promise<void> {
    for (;;) {
      const { record, view } = this.#state;
      if (record.isForked) throw new GroupError('GROUP_FORKED');
      if (record.isRemoved || !view.isActive) return;
      const entries = await this.#api.log(record.group, record.seq);
      if (entries.length === 0) return;
      await this.#take(entries);
    }
  }

  /** The server took our pending commit as this entry. */
  async adopt(seq: number): Promise<void> {
    const { record } = this.#state;
    const { wire, next } = record.pending!;
    const made = await operate(this.#host, 'adopt', { state: inputOf(record.state), next: inputOf(next) });
    const notices = wire.added.flatMap((to) => {
      const server = this.#host.homeOf(to);
      return server === this.#api.url ? [] : [{ to, server, seq }];
    });
    const state = named(made.bytes);
    const after = { ...record, state, pending: undefined, seq, notices: [...record.notices, ...notices] };
    await this.#state.store(after, made.held, made.view);
    this.adopted = nameOf(toBytes(wire.commit));
    const { added, removed } = wire;
    this.#tellEpoch({ by: this.#host.did, added, removed });
  }

  async #take(entries: readonly WireEntry[]): Promise<void> {
    let batch: LogEntry[] = [];
    let expected = this.#state.record.seq;
    for (const { seq, kind, epoch, by, data } of entries) {
      expected += 1;
      if (seq !== expected) throw new GroupError('DELIVERY_FAILED', { detail: 'LOG_GAP' });
      if (by !== this.#host.did) {
        batch.push({ seq, kind, epoch, by, bytes: toBytes(data) });
        continue;
      }
      if (!(await this.#takeOthers(batch))) return;
      batch = [];
      await this.#takeOwn({ seq, kind, epoch, by, bytes: toBytes(data) });
    }
    await this.#takeOthers(batch);
  }

  async #takeOwn({ seq, kind, epoch, bytes }: LogEntry): Promise<void> {
    const { record, view } = this.#state;
    const name = nameOf(bytes);
    if (kind === 'commit') {
      if (record.pending?.wire.commit === toText(bytes)) return this.adopt(seq);
      if (epoch < view.epoch) return this.#state.remember({ ...record, seq });
    } else if (record.sent.includes(name) || epoch < view.epoch) {
      return this.#state.remember({ ...record, seq, sent: record.sent.filter((one) => one !== name) });
    }
    await this.#state.refresh(); // another process of this member may have sent it
    await this.#state.store({ ...record, isRolledBack: true });
    throw new GroupError('STATE_ROLLED_BACK');
  }

  /** Whether reading goes on. */
  async #takeOthers(entries: readonly LogEntry[]): Promise<boolean> {
    if (entries.length === 0) return true;
    const { record } = this.#state;
    const input = { state: inputOf(record.state), entries, external: record.externalJoin };
    const made = await operate(this.#host, 'take', input);
    const { taken, fatal, view } = made;
    const isForked = fatal === 'GROUP_FORKED';
    const messages = taken.flatMap((one) =>
      one.kind === 'message'
        ? [{ id: `${one.epoch}.${one.seq}`, from: one.from, epoch: one.epoch, data: toText(one.data) }]
        : [],
    );
    const hasMoved = view.epoch !== this.#state.view.epoch;
    const next = {
      ...record,
      state: named(made.bytes),
      seq: taken.at(-1)?.seq ?? record.seq,
      pending: hasMoved || !view.isActive ? undefined : record.pending,
      inbox: [...record.inbox, ...messages],
      isForked,
      isRemoved: !view.isActive,
    };
    await this.#state.store(next, made.held, view);
    this.#tellTaken(taken);
    this.#onInbox(messages.map(({ id }) => id));
    if (!view.isActive) this.#host.tell({ type: 'removed', group: record.group });
    if (fatal !== undefined) throw new GroupError(isGroupErrorId(fatal) ? fatal : 'COMMIT_INVALID');
    return view.isActive;
  }

  #tellTaken(taken: readonly Taken[]): void {
    const { group } = this.#state.record;
    for (const one of taken) {
      if (one.kind === 'epoch') this.#tellEpoch(one);
      if (one.kind === 'refused') this.#host.tell({ type: 'refused', group, by: one.by, id: one.id });
    }
  }

  #tellEpoch({
    by,
    added,
    removed,
  }: {
    by: string;
    added: readonly string[];
    removed: readonly string[];
  }): void {
    const { group, epoch } = this.#state.view;
    this.#host.tell({ type: 'epoch', group, epoch, by, added, removed });
  }
}
