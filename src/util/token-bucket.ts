import type { Clock } from '../types/protocol.js';
import { BoundedMap } from './bounded-map.js';

const MINUTE_MS = 60_000;

/** Lets each name do something so many times a minute, as many at once if it was quiet for a minute. Counts in this process only. */
export class TokenBucket {
  readonly #perMinute: number;
  readonly #clock: Clock;
  /** `left` counts in parts of a use, `MINUTE_MS` to each, so that nothing is ever rounded. */
  readonly #buckets: BoundedMap<string, { readonly left: number; readonly at: number }>;

  /** `capacity`: how many names are remembered; the oldest is forgotten first. */
  constructor(perMinute: number, clock: Clock, capacity = 10_000) {
    this.#buckets = new BoundedMap(capacity);
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

  /** Takes back what `take` counted, for an attempt that came to nothing. */
  giveBack(name: string): void {
    const bucket = this.#buckets.get(name);
    if (bucket) this.#buckets.set(name, { ...bucket, left: bucket.left + MINUTE_MS });
  }
}
