import type { Clock } from '../types.js';
import { BoundedMap } from '../util/bounded-map.js';

/** So many uses per minute and name, as a bucket that refills evenly. For rare operations of this process, not for traffic. */
export class RateLimit {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #buckets = new BoundedMap<string, { tokens: number; at: number }>(10_000);

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  /** Whether `name` may go on; counts the attempt if so. */
  take(name: string): boolean {
    const now = this.#clock();
    const bucket = this.#buckets.get(name) ?? { tokens: this.#perMinute, at: now };
    const tokens = Math.min(this.#perMinute, bucket.tokens + ((now - bucket.at) / 60_000) * this.#perMinute);
    this.#buckets.set(name, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1;
  }
}
