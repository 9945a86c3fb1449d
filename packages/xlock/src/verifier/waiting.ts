/** Wakes those of this process who wait for the answer to a challenge. Those of other processes look now and then. */
export class Waiting {
  readonly #wakers = new Map<string, Set<() => void>>();

  /** Tells that something happened to a challenge. */
  wake(id: string): void {
    for (const wake of this.#wakers.get(id) ?? []) wake();
  }

  /** Resolves when it is told, after `ms`, or when `signal` is aborted. Begin to wait before you look. */
  begin(id: string): {
    readonly until: (ms: number, signal?: AbortSignal) => Promise<void>;
    readonly end: () => void;
  } {
    let told = false;
    let resolve = () => {};
    const wake = () => {
      told = true;
      resolve();
    };
    const wakers = this.#wakers.get(id) ?? new Set();
    this.#wakers.set(id, wakers.add(wake));
    return {
      until: async (ms, signal) => {
        if (!told && !signal?.aborted) {
          await new Promise<void>((done) => {
            const timer = setTimeout(done, ms);
            resolve = () => {
              clearTimeout(timer);
              done();
            };
            signal?.addEventListener('abort', resolve, { once: true });
          });
          signal?.removeEventListener('abort', resolve);
        }
        told = false;
      },
      end: () => {
        wakers.delete(wake);
        if (wakers.size === 0) this.#wakers.delete(id);
      },
    };
  }
}
