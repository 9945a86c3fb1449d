import type { GroupRecord } from '../state/group-record.js';
import { toBytes } from '../util/bytes.js';
import { Lock } from '../util/lock.js';
import type { GroupState } from './state.js';

/** A message of a group, as listeners get it. */
export interface GroupMessage {
  /** The same if it is handed over again after a crash. */
  readonly id: string;
  /** DID of the member who sent it, as its signature in MLS proves. */
  readonly from: string;
  /** The epoch that it was sent in. */
  readonly epoch: number;
  readonly data: Uint8Array;
}

/** Called with each message. After a crash the last ones may come again, with the same `id`. */
export type GroupMessageListener = (message: GroupMessage) => void | Promise<void>;

/** Hands decrypted messages to listeners, in order. They are in the record until then. */
export class Inbox {
  readonly #state: GroupState;
  readonly #onFault: (error: unknown) => void;
  readonly #listeners = new Set<GroupMessageListener>();
  /** Those that this process decrypted, or found when it started: another one hands over its own. */
  readonly #ours = new Set<string>();
  readonly #lock = new Lock();

  constructor(state: GroupState, onFault: (error: unknown) => void) {
    this.#state = state;
    this.#onFault = onFault;
    for (const { id } of state.record.inbox) this.#ours.add(id);
  }

  /** Messages that wait for a listener. */
  get waiting(): number {
    return this.#ours.size;
  }

  /** New ones are in the record. */
  add(ids: readonly string[]): void {
    for (const id of ids) this.#ours.add(id);
    this.#hand();
  }

  /** Adds a listener; the first one gets what waited. Returns what takes it away. */
  listen(listener: GroupMessageListener): () => void {
    this.#listeners.add(listener);
    this.#hand();
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves once all that waited was handed over, if there are listeners. */
  settled(): Promise<void> {
    return this.#lock.run(async () => {});
  }

  #hand(): void {
    if (this.#listeners.size === 0 || this.#ours.size === 0) return;
    void this.#lock.run(async () => {
      for (const message of this.#state.record.inbox)
        if (this.#ours.delete(message.id)) await this.#handOver(message);
    });
  }

  async #handOver({ id, from, epoch, data }: GroupRecord['inbox'][number]): Promise<void> {
    for (const listener of [...this.#listeners]) {
      try {
        await listener({ id, from, epoch, data: toBytes(data) });
      } catch (error) {
        this.#onFault(error);
      }
    }
    this.#state.done.add(id);
  }
}
