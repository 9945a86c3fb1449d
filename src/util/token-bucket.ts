import type { Clock } from '../types/types.js';
import { BoundedMap } from './bounded-map.js';

const MINUTE_MS = 60_000;

/** So many uses per minute and name, as a bucket that refills evenly. For rare operations of this process, not for traffic. */
export class RateLimit {
  readonly #perMinute: number;
  readonly #clock: Clock;
  /** `left` counts in parts of a use, `MINUTE_MS` to each, so that nothing is ever rounded. */
  readonly #buckets = new BoundedMap<string, { readonly left: number; readonly at: number }>(10_000);

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  /** Whether `name` may go on; counts the attempt if so. */
  take(name: string): boolean {
    const now = this.#clock();
    const full = this.#perMinute * MINUTE_MS;
    const bucket = this.#buckets.get(name) ?? { left: full, at: now };
    const left = Math.min(full, bucket.left + Math.max(0, now - bucket.at) * this.#perMinute);
    const allowed = left >= MINUTE_MS;
    this.#buckets.set(name, { left: allowed ? left - MINUTE_MS : left, at: now });
    return allowed;
  }
}
