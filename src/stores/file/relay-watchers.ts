import type { Did } from '../../types/protocol.js';

/** Who waits for something to come, by mailbox. */
export class Watchers {
  readonly #byRecipient = new Map<Did, Set<() => void>>();

  /** Returns how to stop. */
  watch(to: Did, wake: () => void): () => void {
    const watchers = this.#byRecipient.get(to) ?? new Set();
    this.#byRecipient.set(to, watchers.add(wake));
    return () => {
      watchers.delete(wake);
      if (watchers.size === 0 && this.#byRecipient.get(to) === watchers) this.#byRecipient.delete(to);
    };
  }

  wake(to: Did): void {
    for (const wake of this.#byRecipient.get(to) ?? []) wake();
  }
}
