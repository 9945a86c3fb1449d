import { type ChannelRegistry, type WatchTimes, watchTrust } from './trust.js';

type Lost = (error: unknown) => void;
interface Watched {
  readonly lost: Set<Lost>;
  stop(): void;
}

/** Looks after the identities at the other ends of open channels: once for each DID, however many channels it has. */
export class TrustWatch {
  readonly #registry: ChannelRegistry;
  readonly #times: WatchTimes;
  readonly #byDid = new Map<string, Watched>();

  constructor(registry: ChannelRegistry, times: WatchTimes) {
    this.#registry = registry;
    this.#times = times;
  }

  /** Calls `lost` once when the DID is no longer trusted, unless the returned function is called before. */
  watch(did: string, lost: Lost): () => void {
    const watched = this.#byDid.get(did) ?? this.#begin(did);
    const own: Lost = (error) => lost(error);
    watched.lost.add(own);
    return () => {
      if (!watched.lost.delete(own) || watched.lost.size > 0) return;
      this.#forget(did, watched);
      watched.stop();
    };
  }

  #begin(did: string): Watched {
    const lost = new Set<Lost>();
    const stop = watchTrust(this.#registry, did, this.#times, (error) => {
      this.#forget(did, watched);
      const all = [...lost];
      lost.clear();
      for (const one of all) one(error);
    });
    const watched: Watched = { lost, stop };
    this.#byDid.set(did, watched);
    return watched;
  }

  #forget(did: string, watched: Watched): void {
    if (this.#byDid.get(did) === watched) this.#byDid.delete(did);
  }
}
