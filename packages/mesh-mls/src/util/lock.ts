/** Lets works happen one after the other. */
export class Lock {
  #last: Promise<unknown> = Promise.resolve();

  /** Begins once all that were given before have ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

/** The same for each key; those of different keys do not wait for each other. */
export class KeyedLock {
  readonly #locks = new Map<string, { readonly lock: Lock; users: number }>();

  /** Begins once all works of this key that were given before have ended. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    let kept = this.#locks.get(key);
    if (!kept) this.#locks.set(key, (kept = { lock: new Lock(), users: 0 }));
    kept.users += 1;
    try {
      return await kept.lock.run(work);
    } finally {
      kept.users -= 1;
      if (kept.users === 0) this.#locks.delete(key);
    }
  }
}
