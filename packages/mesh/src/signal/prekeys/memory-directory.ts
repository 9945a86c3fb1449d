import type { FetchedBundle, OneTimePrekey, PrekeyBundle, PrekeyDirectory, Publication } from './bundle.js';

/** Prekeys of agents in one process, for tests and demos. Callers are not limited. */
export class MemoryPrekeyDirectory {
  readonly #bundles = new Map<string, { bundle: PrekeyBundle; oneTime: OneTimePrekey[] }>();

  /** The directory as an agent with this DID sees it. */
  as(did: string): PrekeyDirectory {
    return {
      publish: async ({ oneTime, replace, ...bundle }: Publication) => {
        const before = replace ? [] : (this.#bundles.get(did)?.oneTime ?? []);
        this.#bundles.set(did, { bundle, oneTime: [...before, ...oneTime] });
        return before.length + oneTime.length;
      },
      count: async () => this.#bundles.get(did)?.oneTime.length ?? 0,
      fetch: async (other) => this.#fetch(other),
      has: async (other) => this.#bundles.has(other),
    };
  }

  #fetch(did: string): FetchedBundle | undefined {
    const entry = this.#bundles.get(did);
    if (!entry) return undefined;
    const oneTime = entry.oneTime.shift();
    return { did, ...entry.bundle, ...(oneTime ? { oneTime } : {}) };
  }
}
