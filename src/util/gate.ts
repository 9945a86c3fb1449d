/** Lets so much work be under way at a time; what is more waits, and goes on in the order in which it came. */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** `places`: at least 1. */
  constructor(places: number) {
    this.#free = places;
  }

  /** Does the work as soon as there is a place, and settles as it does. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}
