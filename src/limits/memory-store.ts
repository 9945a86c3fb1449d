import type { Clock } from '../types/protocol.js';
import { BoundedMap } from '../util/bounded-map.js';
import type { LimitCount, LimitStore } from './store.js';

/** Names that are counted at a time; the one that was quiet for longest is forgotten first. Some 10 MB. */
const MAX_NAMES = 100_000;

/** Counts in the memory of this process: each instance lets as much through. */
export class MemoryLimitStore implements LimitStore {
  readonly #clock: Clock;
  readonly #counts = new BoundedMap<string, { count: number; readonly until: number }>(MAX_NAMES);

  /** `clock`: default `Date.now`. */
  constructor(clock: Clock = Date.now) {
    this.#clock = clock;
  }

  take(name: string, windowMs: number): LimitCount {
    const now = this.#clock();
    const known = this.#counts.get(name);
    const isRunning = known !== undefined && now < known.until && known.until <= now + windowMs;
    const counted = isRunning ? known : { count: 0, until: now + windowMs };
    if (!isRunning) this.#counts.set(name, counted);
    counted.count += 1;
    return { count: counted.count, resetMs: counted.until - now };
  }
}
