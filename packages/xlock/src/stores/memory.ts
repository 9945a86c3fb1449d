import type { XStoreBackend } from './backend.js';

/** Shares in the memory of this process: gone with it. For tests and demos. */
export class MemoryBackend implements XStoreBackend {
  readonly id: string;
  readonly #shares = new Map<string, Uint8Array>();

  /** `id`: for messages. Default `memory`. */
  constructor(id = 'memory') {
    this.id = id;
  }

  /** Keeps a copy. */
  put(name: string, bytes: Uint8Array): void {
    this.#shares.set(name, Uint8Array.from(bytes));
  }

  /** A copy of what is kept. */
  get(name: string): Uint8Array | undefined {
    const found = this.#shares.get(name);
    return found && Uint8Array.from(found);
  }

  /** Forgets it. */
  delete(name: string): void {
    this.#shares.delete(name);
  }
}
