import type { Clock } from '../types/protocol.js';

const SECOND_MS = 1000;

/** So many lines of a kind in each second of the clock; counts those that are left out. Kinds are few: ids of errors. */
export class LineLimit {
  readonly #perSecond: number;
  readonly #clock: Clock;
  readonly #onSuppressed: (kind: string, count: number) => void;
  #second = Number.NaN;
  #counts = new Map<string, number>();

  /** `onSuppressed` is told after the second is over, when the next line of any kind comes. */
  constructor(perSecond: number, clock: Clock, onSuppressed: (kind: string, count: number) => void) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#onSuppressed = onSuppressed;
  }

  /** Whether a line may be written. */
  take(kind: string | undefined): boolean {
    this.#turn();
    if (kind === undefined) return true;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    return count <= this.#perSecond;
  }

  #turn(): void {
    const second = Math.floor(this.#clock() / SECOND_MS);
    if (second === this.#second) return;
    const counts = this.#counts;
    this.#second = second;
    this.#counts = new Map();
    for (const [kind, count] of counts) {
      if (count > this.#perSecond) this.#onSuppressed(kind, count - this.#perSecond);
    }
  }
}
