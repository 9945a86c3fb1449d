/** One at a time for each key, in the order of the calls. */
export class KeyedLock {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs the work once that before has ended. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const quiet = mine.catch(() => {});
    this.#last.set(key, quiet);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === quiet) this.#last.delete(key);
    }
  }
}
