import type { Did } from '../types/protocol.js';
import { tell } from '../util/tell.js';
import type { ChangeListener } from './managed.js';

/** Those who want to hear of changes. */
export class ChangeListeners {
  readonly #listeners = new Set<ChangeListener>();

  /** Returns the function that ends it. */
  add(listener: ChangeListener): () => void {
    const own: ChangeListener = (did) => listener(did); // the same function may listen twice
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** The change happened, whatever a listener makes of it. */
  tell(did: Did | undefined): void {
    for (const listener of [...this.#listeners]) tell(listener, did);
  }
}
