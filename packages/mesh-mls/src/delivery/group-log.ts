import type { OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { GroupError } from '../errors.js';
import type { MlsSuite } from '../suites.js';
import { KeyedLock } from '../util/lock.js';
import { LIMITS, type WireCommit, type WireEntry, type WireGroup } from './wire.js';

interface KeptEntry extends WireEntry {
  readonly welcome?: string;
  readonly added?: readonly string[];
  readonly removed?: readonly string[];
}

interface Kept extends WireGroup {
  readonly createdAt: number;
  /** Members that went, and the entry that says so: they may read up to it. */
  readonly gone: Readonly<Record<string, number>>;
  /** The newest entry: it gets a document of its own before another one takes its place. */
  readonly last: KeptEntry | undefined;
  /** The oldest entry that is kept. */
  readonly first: number;
  /** Characters of entries that are kept. */
  readonly size: number;
  readonly groupInfo?: string;
}

const GONE_KEPT = 1000;

/**
 * Groups and their logs: commits, proposals and messages in one order. A group is one document, changed by compare-and-set, so several
 * servers may share a store; its newest entry is in it, so no crash can part them.
 */
export class GroupLog {
  readonly #groups: Documents<Kept>;
  readonly #entries: Documents<KeptEntry>;
  readonly #clock: () => number;
  readonly #lock = new KeyedLock();

  constructor(store: OperationsStore, clock: () => number) {
    this.#groups = new Documents(store, 'mls-group');
    this.#entries = new Documents(store, 'mls-entry');
    this.#clock = clock;
  }

  /** Throws `GROUP_EXISTS`. */
  async create(
    group: string,
    by: string,
    suite: MlsSuite,
    groupInfo: string | undefined,
  ): Promise<WireGroup> {
    const externalJoin = groupInfo !== undefined;
    const made = await this.#groups.update(group, (before) => {
      if (before) throw new GroupError('GROUP_EXISTS');
      const open = { group, suite, epoch: 0, seq: 0, members: [by], externalJoin };
      const more = groupInfo === undefined ? {} : { groupInfo };
      return { ...open, createdAt: this.#clock(), gone: {}, last: undefined, first: 1, size: 0, ...more };
    });
    return openOf(made);
  }

  /** Throws `GROUP_UNKNOWN` for those who are not in it, too. */
  async get(group: string, member: string): Promise<WireGroup> {
    const kept = await this.#groups.get(group);
    if (!kept?.members.includes(member)) throw new GroupError('GROUP_UNKNOWN');
    return openOf(kept);
  }

  /** How long the log is for this reader; 0 for those who may not read it. */
  async head(group: string, reader: string): Promise<number> {
    const kept = await this.#groups.get(group);
    return (kept && readableTo(kept, reader)) ?? 0;
  }

  /** Entries behind `after`. Throws `GROUP_UNKNOWN`, `LOG_GONE`. */
  async read(group: string, reader: string, after: number): Promise<readonly WireEntry[]> {
    const kept = await this.#groups.get(group);
    const end = kept && readableTo(kept, reader);
    if (!kept || end === undefined) throw new GroupError('GROUP_UNKNOWN');
    if (after + 1 < kept.first) throw new GroupError('LOG_GONE');
    const found: WireEntry[] = [];
    for (let seq = after + 1, size = 0; seq <= end && found.length < LIMITS.entriesAtOnce; seq++) {
      const entry = await this.#entry(kept, seq);
      if (!entry) throw new GroupError('LOG_GONE');
      size += entry.data.length;
      if (found.length > 0 && size > LIMITS.bytesAtOnce) break;
      const { kind, epoch, by, at, data } = entry;
      found.push({ seq, kind, epoch, by, at, data });
    }
    return found;
  }

  /** The welcome of the commit that added this DID. Throws `GROUP_UNKNOWN`. */
  async welcome(group: string, reader: string, seq: number): Promise<string> {
    const kept = await this.#groups.get(group);
    const entry = kept && (await this.#entry(kept, seq));
    if (!entry?.added?.includes(reader) || entry.welcome === undefined) throw new GroupError('GROUP_UNKNOWN');
    return entry.welcome;
  }

  /** Throws `EXTERNAL_JOIN_OFF`, `GROUP_UNKNOWN`. */
  async info(group: string): Promise<string> {
    const kept = await this.#groups.get(group);
    if (!kept) throw new GroupError('GROUP_UNKNOWN');
    if (kept.groupInfo === undefined) throw new GroupError('EXTERNAL_JOIN_OFF');
    return kept.groupInfo;
  }

  /**
   * Takes a commit if the group is still in its epoch: the first one wins. The same once more is answered as the first time. Throws
   * `EPOCH_CONFLICT`, `NOT_A_MEMBER`, `GROUP_FULL`.
   */
  commit(group: string, by: string, commit: WireCommit): Promise<WireEntry> {
    const { epoch, commit: data, added, removed, welcome, groupInfo, external = false } = commit;
    return this.#append(group, by, { kind: 'commit', epoch, data }, (kept) => {
      const isMember = kept.members.includes(by);
      if (external && !kept.externalJoin) throw new GroupError('EXTERNAL_JOIN_OFF');
      if (external ? isMember || added.length !== 1 || added[0] !== by || removed.length > 0 : !isMember)
        throw new GroupError('NOT_A_MEMBER');
      if (kept.epoch !== epoch) throw new GroupError('EPOCH_CONFLICT');
      const stay = kept.members.filter((did) => !removed.includes(did));
      const members = [...new Set([...stay, ...added])];
      if (members.length > LIMITS.members) throw new GroupError('GROUP_FULL');
      const seq = kept.seq + 1;
      const went = Object.fromEntries(
        removed.filter((did) => kept.members.includes(did)).map((did) => [did, seq]),
      );
      const before = Object.entries(kept.gone).filter(([did]) => !added.includes(did));
      const gone = Object.fromEntries([...before, ...Object.entries(went)].slice(-GONE_KEPT));
      return {
        group: { epoch: epoch + 1, members, gone, ...(kept.externalJoin && groupInfo ? { groupInfo } : {}) },
        entry: { added, removed, ...(welcome === undefined ? {} : { welcome }) },
      };
    });
  }

  /** Takes a message or proposal of the present epoch. Throws `EPOCH_CONFLICT`, `NOT_A_MEMBER`. */
  post(
    group: string,
    by: string,
    kind: 'proposal' | 'message',
    epoch: number,
    data: string,
  ): Promise<WireEntry> {
    return this.#append(group, by, { kind, epoch, data }, (kept) => {
      if (!kept.members.includes(by)) throw new GroupError('NOT_A_MEMBER');
      if (kept.epoch !== epoch) throw new GroupError('EPOCH_CONFLICT');
      return { group: {}, entry: {} };
    });
  }

  async #append(
    group: string,
    by: string,
    what: Pick<KeptEntry, 'kind' | 'epoch' | 'data'>,
    rule: (kept: Kept) => { readonly group: Partial<Kept>; readonly entry: Partial<KeptEntry> },
  ): Promise<WireEntry> {
    return this.#lock.run(group, async () => {
      const known = await this.#groups.get(group);
      if (!known) throw new GroupError('GROUP_UNKNOWN');
      if (known.last) await this.#keep(group, known.last);
      let again: WireEntry | undefined;
      const after = await this.#groups.update(group, (kept) => {
        if (!kept) throw new GroupError('GROUP_UNKNOWN');
        // Another server added one meanwhile: it must have its own document first.
        if (kept.seq !== known.seq) throw new GroupError('EPOCH_CONFLICT');
        if (kept.last?.by === by && kept.last.kind === what.kind && kept.last.data === what.data) {
          again = kept.last;
          return kept;
        }
        const changed = rule(kept);
        const entry = { seq: kept.seq + 1, by, at: this.#clock(), ...what, ...changed.entry };
        const size = kept.size + sizeOf(entry);
        return { ...kept, ...changed.group, seq: entry.seq, last: entry, size };
      });
      if (!again) await this.#trim(after);
      const { seq, kind, epoch, at, data } = again ?? after.last!;
      return { seq, kind, epoch, by, at, data };
    });
  }

  async #entry(kept: Kept, seq: number): Promise<KeptEntry | undefined> {
    return kept.last?.seq === seq ? kept.last : this.#entries.get(`${kept.group}/${seq}`);
  }

  async #keep(group: string, entry: KeptEntry): Promise<void> {
    await this.#entries.update(`${group}/${entry.seq}`, (before) => before ?? entry);
  }

  /** Removes the oldest entries over the limits. */
  async #trim({ group, seq, first, size }: Kept): Promise<void> {
    let [at, left] = [first, size];
    while (at < seq && (seq - at >= LIMITS.logEntries || left > LIMITS.logBytes)) {
      const old = await this.#entries.get(`${group}/${at}`);
      if (old) left -= sizeOf(old);
      await this.#entries.removeIf(`${group}/${at}`, () => true);
      at += 1;
    }
    if (at > first) await this.#groups.update(group, (kept) => ({ ...kept!, first: at, size: left }));
  }
}

const openOf = ({ group, suite, epoch, seq, members, externalJoin }: Kept): WireGroup => ({
  group,
  suite,
  epoch,
  seq,
  members,
  externalJoin,
});

/** The newest entry that a DID may read; `undefined`: it was never in the group. */
const readableTo = (kept: Kept, reader: string): number | undefined =>
  kept.members.includes(reader) ? kept.seq : kept.gone[reader];

const sizeOf = ({ data, welcome = '' }: KeptEntry): number => data.length + welcome.length;
