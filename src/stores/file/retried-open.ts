import type { Clock } from '../../types/protocol.js';

/** How long after a failed opening the next one is tried, in ms. */
const RETRY_AFTER_MS = 1000;

/** Something that is opened in the background, and once more when it is needed a second or more after it failed. */
export class RetriedOpen<T> {
  readonly #open: () => Promise<T>;
  readonly #clock: Clock;
  #opened: Promise<T> | undefined;
  #failure: unknown;
  #retryAt = -Infinity;
  #closed = false;

  constructor(open: () => Promise<T>, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
    this.get().catch(() => {}); // the next call reports it
  }

  /** Rejects with what the last attempt failed with. */
  get(): Promise<T> {
    if (this.#opened) return this.#opened;
    if (this.#closed) return Promise.reject(new Error('it was closed'));
    if (this.#clock() < this.#retryAt) return Promise.reject(this.#failure);
    const opened = this.#open();
    this.#opened = opened;
    opened.catch((error) => {
      this.#failure = error;
      this.#retryAt = this.#clock() + RETRY_AFTER_MS;
      if (this.#opened === opened) this.#opened = undefined;
    });
    return opened;
  }

  /** What is open is not what it was: the next one that needs it opens it anew. */
  again(): void {
    this.#opened = undefined;
    this.#retryAt = -Infinity;
  }

  /** Not opened any more. Resolves to what is open, if anything is. */
  end(): Promise<T | undefined> {
    this.#closed = true;
    return this.#opened?.catch(() => undefined) ?? Promise.resolve(undefined);
  }
}
