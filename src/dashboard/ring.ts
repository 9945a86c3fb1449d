/** Requests of a stretch of time. */
export interface Counts {
  /** Accepted with an envelope. */
  readonly xlink: number;
  /** Accepted with an API key. */
  readonly apiKey: number;
  /** Refused. */
  readonly refused: number;
}

/** Counts slot by slot, oldest first, without gaps; the last slot is the present one and not over yet. */
export interface Series {
  /** Length of a slot, in ms. */
  readonly slotMs: number;
  /** How far back such counts go, in ms; fewer slots are there while there is less to count. */
  readonly overMs: number;
  /** When the first slot began, in ms since 1970. */
  readonly from: number;
  /** Accepted with an envelope, one count for each slot. */
  readonly xlink: readonly number[];
  /** Accepted with an API key, one count for each slot. */
  readonly apiKey: readonly number[];
  /** Refused, one count for each slot. */
  readonly refused: readonly number[];
}

export const KINDS = ['xlink', 'apiKey', 'refused'] as const;
/** What a request counts as. */
export type Kind = (typeof KINDS)[number];

/** Slots that are reused in turn; each knows which stretch of time it holds. */
export class Ring {
  readonly slotMs: number;
  readonly #first: number;
  readonly #numbers: Float64Array;
  readonly #counts: Readonly<Record<Kind, Float64Array>>;

  constructor(slotMs: number, slots: number, since: number) {
    this.slotMs = slotMs;
    this.#first = Math.floor(since / slotMs);
    this.#numbers = new Float64Array(slots).fill(-1);
    const zeros = () => new Float64Array(slots);
    this.#counts = { xlink: zeros(), apiKey: zeros(), refused: zeros() };
  }

  /** `time`: when they came. */
  add(time: number, counts: Counts): void {
    const number = Math.floor(time / this.slotMs);
    const at = number % this.#numbers.length;
    if (this.#numbers[at] !== number) {
      this.#numbers[at] = number;
      for (const one of KINDS) this.#counts[one][at] = 0;
    }
    for (const one of KINDS) this.#counts[one][at]! += counts[one];
  }

  series(now: number): Series {
    const last = Math.floor(now / this.slotMs);
    const first = Math.min(last, Math.max(this.#first, last - this.#numbers.length + 1));
    const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    const of = (kind: Kind) => numbers.map((number) => this.#at(number, kind));
    return {
      slotMs: this.slotMs,
      overMs: this.slotMs * this.#numbers.length,
      from: first * this.slotMs,
      xlink: of('xlink'),
      apiKey: of('apiKey'),
      refused: of('refused'),
    };
  }

  /** Of the last `slots` slots. */
  sum(now: number, slots: number): Counts {
    const last = Math.floor(now / this.slotMs);
    const sum = (kind: Kind) => {
      let total = 0;
      for (let number = last - slots + 1; number <= last; number++) total += this.#at(number, kind);
      return total;
    };
    return { xlink: sum('xlink'), apiKey: sum('apiKey'), refused: sum('refused') };
  }

  /** What was counted in a slot; 0 if it was reused or never used. */
  #at(number: number, kind: Kind): number {
    const at = number % this.#numbers.length;
    return this.#numbers[at] === number ? this.#counts[kind][at]! : 0;
  }
}
