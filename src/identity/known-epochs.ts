import { type XlinkError, xlinkError } from '../errors/service-errors.js';
import type { Clock, Did } from '../types/protocol.js';
import { REREAD_MS } from './encryption-keys.js';
import type { KeyStore, StoredEpoch, StoredEpochs } from './key-store.js';
import { keyStoreError } from './key-store-error.js';

export interface StoredState {
  readonly value: StoredEpochs;
  readonly version: number;
}

interface Parts {
  readonly did: Did;
  readonly store: KeyStore;
  readonly clock: Clock;
  /** Told each time the store was asked in vain. */
  readonly onFailure?: ((error: XlinkError) => void) | undefined;
  /** Told of each epoch that takes the place of the one before. */
  readonly onNewest: () => void;
}

/** What the store holds, as far as this instance has seen. It never goes back: a store that does was restored from an older copy. */
export class KnownEpochs {
  readonly #parts: Parts;
  #value: StoredEpochs;
  #version = 0;
  #readAt = -Infinity;
  #failure: { readonly error: XlinkError; readonly at: number } | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#value = { did: parts.did, epochs: [], highest: 0, derivedUntil: 0 };
  }

  get value(): StoredEpochs {
    return this.#value;
  }

  /** What a change begins with: it is held against exactly this, whatever is read meanwhile. */
  get state(): StoredState {
    return { value: this.#value, version: this.#version };
  }

  get newest(): StoredEpoch | undefined {
    return this.#value.epochs.at(-1);
  }

  of(keyEpoch: number): StoredEpoch | undefined {
    return this.#value.epochs.find((one) => one.keyEpoch === keyEpoch);
  }

  /** How long ago it was read, in ms; whatever the clock does, not negative. */
  get age(): number {
    return Math.abs(this.#parts.clock() - this.#readAt);
  }

  /** Whether the store failed less than a second ago: one that is down is not asked by every request. */
  get isFailing(): boolean {
    return this.#failure !== undefined && Math.abs(this.#parts.clock() - this.#failure.at) < REREAD_MS;
  }

  /** Throws what it failed with. */
  assertNotFailing(): void {
    if (this.isFailing) throw this.#failure!.error;
  }

  /** Reads the store. Throws `KEY_STORE_…`. */
  async read(): Promise<void> {
    const before = { version: this.#version, highest: this.#value.highest };
    const at = this.#parts.clock();
    await this.ask(async (store) => this.#take(await store.load(), before));
    this.#readAt = at; // what was changed while the answer was under way may be missing in it
  }

  /** False: another instance was faster. Throws `KEY_STORE_UNAVAILABLE`; then it may be written all the same. */
  async save(value: StoredEpochs, { version }: StoredState): Promise<boolean> {
    try {
      if (!(await this.ask((store) => store.save(value, version)))) return false;
    } catch (error) {
      this.#readAt = -Infinity;
      throw error;
    }
    if (version + 1 > this.#version) this.#set(value, version + 1);
    return true;
  }

  /** Nothing is sealed or opened while it cannot be told which keys are good. */
  async ask<T>(question: (store: KeyStore) => T | PromiseLike<T>): Promise<T> {
    try {
      const answer = await question(this.#parts.store);
      this.#failure = undefined;
      return answer;
    } catch (cause) {
      const error = keyStoreError(cause);
      this.#failure = { error, at: this.#parts.clock() };
      this.#parts.onFailure?.(error);
      throw error;
    }
  }

  #take(found: Awaited<ReturnType<KeyStore['load']>>, before: { version: number; highest: number }): void {
    if (found && found.value.did !== this.#parts.did) throw xlinkError('KEY_STORE_DAMAGED', { field: 'did' });
    const { version, value } = found ?? { version: 0, value: { highest: 0 } };
    if (version < before.version || value.highest < before.highest)
      throw xlinkError('KEY_STORE_ROLLED_BACK', { field: 'keyStore' });
    if (!found || version < this.#version) return; // an answer that was overtaken by a later one
    this.#set(found.value, version);
  }

  #set(value: StoredEpochs, version: number): void {
    const before = this.newest?.keyEpoch;
    this.#value = value;
    this.#version = version;
    if (this.newest && this.newest.keyEpoch !== before) this.#parts.onNewest();
  }
}
