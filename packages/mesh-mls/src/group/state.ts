import { setTimeout as pause } from 'node:timers/promises';
import { GroupError } from '../errors.js';
import type { GroupRecord, NamedState } from '../state/group-record.js';
import type { StateRecord } from '../state/record.js';
import { toBytes } from '../util/bytes.js';
import { Lock } from '../util/lock.js';
import type { GroupView, StateInput } from '../worker/protocol.js';
import { type GroupHost, operate } from './host.js';

/** The record was changed by another process; what was to be done is done again from what is there. */
class Changed extends Error {}

const MAX_ATTEMPTS = 50;

/** For the worker. */
export const inputOf = ({ name, bytes }: NamedState): StateInput => ({ key: name, bytes: toBytes(bytes) });

/** The record of a group, and the one way in which it changes: written first, by compare-and-set, one work at a time. */
export class GroupState {
  readonly #host: GroupHost;
  readonly #document: StateRecord<GroupRecord>;
  readonly #lock = new Lock();
  #record: GroupRecord;
  #view: GroupView;
  /** It may have been written though the store said it failed. */
  #isUnsure = false;
  /** Inbox messages that listeners have taken: they leave the record with the next write. */
  readonly done = new Set<string>();

  constructor(host: GroupHost, document: StateRecord<GroupRecord>, record: GroupRecord, view: GroupView) {
    this.#host = host;
    this.#document = document;
    this.#record = record;
    this.#view = view;
  }

  get record(): GroupRecord {
    return this.#record;
  }

  get view(): GroupView {
    return this.#view;
  }

  /** For what is known only here and need not be written at once. */
  remember(record: GroupRecord): void {
    this.#record = record;
  }

  /**
   * Does a work when those before have ended; once more from the start where another process changed the record meanwhile. Throws
   * `STATE_CONFLICT` after 50 times.
   */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#lock.run(async () => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        try {
          if (this.#isUnsure) await this.#reload();
          return await work();
        } catch (error) {
          if (!(error instanceof Changed)) throw error;
          await this.#reload();
          await pause(Math.random() * 20 * (attempt + 1));
        }
      }
      throw new GroupError('STATE_CONFLICT');
    });
  }

  /**
   * Writes what follows. `held`: what the worker calls its state of MLS, if that is a new one. Only after it may anything leave the process.
   */
  async store(next: GroupRecord, held?: number, view?: GroupView, proposed = false): Promise<void> {
    const { worker } = this.#host;
    const done = new Set(this.done);
    const inbox = next.inbox.filter(({ id }) => !done.has(id));
    const record = { ...next, inbox };
    try {
      this.#isUnsure = true;
      const isSaved = await this.#document.save(record);
      this.#isUnsure = false;
      if (!isSaved) throw new Changed();
    } catch (error) {
      if (held !== undefined) worker.settle(held, undefined);
      throw error;
    }
    if (held !== undefined)
      worker.settle(held, proposed ? record.pending?.next.name : record.state.name, proposed);
    this.#record = record;
    if (view) this.#view = view;
    for (const id of done) this.done.delete(id);
  }

  /** Reads the record again; work that was based on the old one begins anew if it is another one. */
  async refresh(): Promise<void> {
    const { version } = this.#document;
    await this.#reload();
    if (this.#document.version !== version) throw new Changed();
  }

  async #reload(): Promise<void> {
    const record = await this.#document.load();
    if (!record) throw new GroupError('GROUP_UNKNOWN');
    this.#isUnsure = false;
    if (record.state.name !== this.#record.state.name)
      this.#view = await operate(this.#host, 'view', { state: inputOf(record.state) });
    this.#record = record;
  }
}
