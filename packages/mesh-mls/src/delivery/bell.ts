/** A call that waits. */
export interface Waiting {
  /** Resolves when it is rung, when its time is over, or when it is ended. */
  readonly rung: Promise<void>;
  /** Does not wait any more. */
  end(): void;
}

/** Wakes calls that wait for something. What another server of the same store took is seen by looking again now and then. */
export class Bell {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Wakes those who wait for one of these names. */
  ring(names: Iterable<string>): void {
    for (const name of names) for (const wake of [...(this.#waiting.get(name) ?? [])]) wake();
  }

  /** How many wait for a name. */
  waiters(name: string): number {
    return this.#waiting.get(name)?.size ?? 0;
  }

  /** Waits until it is rung for the name, or for a time in ms. */
  wait(name: string, ms: number): Waiting {
    let end = () => {};
    const rung = new Promise<void>((resolve) => {
      const waiting = this.#waiting.get(name) ?? new Set();
      this.#waiting.set(name, waiting);
      const timer = setTimeout(() => end(), ms);
      end = () => {
        clearTimeout(timer);
        waiting.delete(end);
        if (waiting.size === 0 && this.#waiting.get(name) === waiting) this.#waiting.delete(name);
        resolve();
      };
      waiting.add(end);
    });
    return { rung, end };
  }
}
