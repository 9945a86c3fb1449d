import type { Clock } from '../types/protocol.js';
import { BoundedMap } from '../util/bounded-map.js';
import type { LimitCount, LimitStore } from './store.js';

/** Names that are counted at a time; the one that was quiet for longest is forgotten first. Some 10 MB. */
const MAX_NAMES = 100_000;

/** Counts in the memory of this process: each instance lets as much through. */
export class MemoryLimitStore implements LimitStore {
  readonly #clock: Clock;
  /** What the clock said last. */
  #said: number;
  /** How far it went on; what it was set back does not count, or windows would begin anew. */
  #now = 0;
  readonly #counts = new BoundedMap<string, { count: number; readonly until: number }>(MAX_NAMES);

  /** `clock`: default one that nobody sets. With another, setting it back begins no window anew. */
  constructor(clock: Clock = () => performance.now()) {
    this.#clock = clock;
    this.#said = clock();
  }

  take(name: string, windowMs: number): LimitCount {
    const now = this.#elapsed();
    const known = this.#counts.get(name);
    const isRunning = known !== undefined && now < known.until && known.until <= now + windowMs;
    const counted = isRunning ? known : { count: 0, until: now + windowMs };
    if (!isRunning) this.#counts.set(name, counted);
    counted.count += 1;
    return { count: counted.count, resetMs: Math.ceil(counted.until - now) };
  }

  #elapsed(): number {
    const said = this.#clock();
    this.#now += Math.max(0, said - this.#said || 0);
    this.#said = said;
    return this.#now;
  }
}
