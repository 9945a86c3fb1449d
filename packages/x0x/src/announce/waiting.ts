import type { DirectListener, DirectMessage } from './direct.js';

/** Messages that are held while nobody listens; the oldest goes when there are more. */
const MOST = 256;

/** Those who listen for direct messages. What comes before there is one waits in memory. */
export class DirectListeners {
  readonly #listeners = new Set<DirectListener>();
  #waiting: DirectMessage[] = [];

  /** Adds a listener, and hands it what waits. Returns how to remove it. */
  add(listener: DirectListener): () => void {
    this.#listeners.add(listener);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting)
      Promise.resolve(message)
        .then(listener)
        .catch(() => {}); // acknowledged already
    return () => void this.#listeners.delete(listener);
  }

  /** Hands a message over. Rejects with what a listener throws. */
  async tell(message: DirectMessage): Promise<void> {
    if (this.#listeners.size === 0) {
      this.#waiting.push(message);
      if (this.#waiting.length > MOST) this.#waiting.shift();
      return;
    }
    for (const listener of this.#listeners) await listener(message);
  }
}
