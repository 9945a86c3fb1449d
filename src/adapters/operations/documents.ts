import { isXlinkError, xlinkError } from '../../errors/service-errors.js';
import type { OperationsStore } from './store.js';

/** Losing so often in a row to other instances is not chance any more: the store shows one version and holds another. */
const MAX_ATTEMPTS = 100;

/** The documents of one kind, read and written as values. What the store throws becomes `OPERATIONS_STORE_UNAVAILABLE`. */
export class Documents<T> {
  readonly #store: OperationsStore;
  readonly #kind: string;

  /** `kind`: a word without `/`, which no other part of the service uses. */
  constructor(store: OperationsStore, kind: string) {
    this.#store = store;
    this.#kind = kind;
  }

  /** The document of this name; `undefined` if there is none. Rejects with `OPERATIONS_STORE_UNAVAILABLE`, as the others do. */
  async get(name: string): Promise<T | undefined> {
    const found = await guarded(() => this.#store.load(this.#id(name)));
    return found && (JSON.parse(found.json) as T);
  }

  /** By name. */
  async all(): Promise<ReadonlyMap<string, T>> {
    const found = await guarded(() => this.#store.list(this.#kind));
    return new Map(found.map(({ id, json }) => [id.slice(this.#kind.length + 1), JSON.parse(json) as T]));
  }

  /**
   * Changes a document, whoever else does: `change` is given what is there, throws what is wrong with that, and returns what takes
   * its place; the very same: nothing is to be written. Resolves to what is there then.
   */
  async update(name: string, change: (before: T | undefined) => T): Promise<T> {
    const id = this.#id(name);
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const found = await guarded(() => this.#store.load(id));
      const before = found && (JSON.parse(found.json) as T);
      const next = change(before);
      if (next === before) return next;
      const json = JSON.stringify(next);
      if (await guarded(() => this.#store.save(id, json, found?.version ?? 0))) return next;
    }
    throw xlinkError('OPERATIONS_STORE_UNAVAILABLE', {
      cause: new Error(`Other instances were faster ${MAX_ATTEMPTS} times.`),
    });
  }

  /** Removes a document if `isOver` says so of what is there. */
  async removeIf(name: string, isOver: (value: T) => boolean): Promise<void> {
    const id = this.#id(name);
    const found = await guarded(() => this.#store.load(id));
    if (found && isOver(JSON.parse(found.json) as T))
      await guarded(() => this.#store.remove(id, found.version));
  }

  #id(name: string): string {
    return `${this.#kind}/${name}`;
  }
}

async function guarded<T>(ask: () => T): Promise<Awaited<T>> {
  try {
    return await ask();
  } catch (cause) {
    throw isXlinkError(cause) ? cause : xlinkError('OPERATIONS_STORE_UNAVAILABLE', { cause });
  }
}
