import { beforeScrape } from './before-scrape.js';

/** Few enough that the request that brings the last one does not feel it: some 50 µs. */
const MAX_HELD = 64;

/**
 * Holds events back and takes them together, once there are enough or the metrics are read: between two requests all that
 * counting needs has left the caches of the processor, and one by one each would take several times as long.
 */
export class Batch<T> {
  readonly #take: (item: T) => void;
  #held: T[] = [];

  /** `metrics`: those that are up to date only after the held ones were taken. */
  constructor(metrics: readonly object[], take: (item: T) => void) {
    this.#take = take;
    for (const metric of metrics) beforeScrape(metric, () => this.#flush());
  }

  add(item: T): void {
    this.#held.push(item);
    if (this.#held.length >= MAX_HELD) this.#flush();
  }

  #flush(): void {
    const held = this.#held;
    this.#held = [];
    for (const item of held) this.#take(item);
  }
}
