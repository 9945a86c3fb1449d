import { untilAborted } from '../http/abort.js';

/** Lets so much work be under way at a time; what is more waits, and goes on in the order in which it came. */
export class Gate {
  readonly #waiting = new Set<() => void>();
  #free: number;

  /** `places`: at least 1. */
  constructor(places: number) {
    this.#free = places;
  }

  /** Does the work as soon as there is a place, and settles as it does. What is aborted while it waits is not done. */
  async pass<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    let go!: () => void;
    const turn = new Promise<void>((resolve) => {
      go = resolve;
    });
    this.#waiting.add(go);
    await untilAborted(turn, signal).catch((error) => {
      if (!this.#waiting.delete(go)) this.#leave(); // it had its turn in this very moment
      throw error;
    });
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (next) this.#waiting.delete(next);
    else this.#free += 1;
    next?.();
  }
}
