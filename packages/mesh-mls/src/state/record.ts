import { GroupError } from '../errors.js';
import { openValue, sealValue } from './sealing.js';
import type { GroupStateStore } from './store.js';

/** One sealed document, as this process last saw it. Every change is written by compare-and-set before anything else happens. */
export class StateRecord<T> {
  readonly #store: GroupStateStore;
  readonly #id: string;
  readonly #key: Uint8Array;
  #version = 0;

  constructor(store: GroupStateStore, id: string, key: Uint8Array) {
    this.#store = store;
    this.#id = id;
    this.#key = key;
  }

  /** That of the document, as this process last saw it; 0: there is none. */
  get version(): number {
    return this.#version;
  }

  /** What is there now; `undefined`: nothing. Throws `STATE_UNREADABLE`, `STATE_UNAVAILABLE`. */
  async load(): Promise<T | undefined> {
    const found = await available(() => this.#store.load(this.#id));
    this.#version = found?.version ?? 0;
    return found && openValue<T>(this.#key, this.#id, found.version, found.json);
  }

  /** Whether it was written: `false` if it was changed since it was last seen here. Throws `STATE_UNAVAILABLE`. */
  async save(value: T): Promise<boolean> {
    const next = this.#version + 1;
    const json = sealValue(this.#key, this.#id, next, value);
    const isSaved = await available(() => this.#store.save(this.#id, json, this.#version));
    if (isSaved) this.#version = next;
    return isSaved;
  }

  /** Removes it, if nobody changed it. Throws `STATE_UNAVAILABLE`. */
  async remove(): Promise<void> {
    await available(() => this.#store.remove(this.#id, this.#version));
    this.#version = 0;
  }
}

async function available<T>(ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw new GroupError('STATE_UNAVAILABLE', { cause });
  }
}
