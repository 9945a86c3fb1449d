import { isOfKind, type OperationsStore, type StoredDocument } from './store.js';

/** Documents in the memory of this process: a restart forgets them, and other instances know nothing of them. */
export class MemoryOperationsStore implements OperationsStore {
  readonly #documents = new Map<string, StoredDocument>();

  load(id: string): StoredDocument | undefined {
    return this.#documents.get(id);
  }

  list(kind: string): readonly StoredDocument[] {
    return [...this.#documents.values()].filter(({ id }) => isOfKind(id, kind));
  }

  save(id: string, json: string, expectedVersion: number): boolean {
    if ((this.#documents.get(id)?.version ?? 0) !== expectedVersion) return false;
    this.#documents.set(id, { id, json, version: expectedVersion + 1 });
    return true;
  }

  remove(id: string, expectedVersion: number): boolean {
    if (this.#documents.get(id)?.version !== expectedVersion) return false;
    return this.#documents.delete(id);
  }
}
