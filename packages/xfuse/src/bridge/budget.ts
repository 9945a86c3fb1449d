import type { BudgetOptions } from './options.js';
import { placeOf } from './traffic.js';

const SLICES = 10;

/** Most of the budget that the failures of one caller can spend. */
const CALLER_SHARE = 0.5;

interface Slice {
  readonly slot: number;
  all: number;
  bad: number;
  /** Failures by caller; of calls without one they are in `bad` only. */
  readonly byCaller: Map<number, number>;
}

/** Counts requests of the modern side in a sliding window of ten slices, and says when too many failed. */
export class ErrorBudget {
  readonly #options: Required<BudgetOptions>;
  readonly #clock: () => number;
  #slices: Slice[] = [];

  constructor(options: BudgetOptions, clock: () => number) {
    this.#options = { errorRatio: 0.02, windowMs: 60_000, minimum: 20, collapse: 0.5, ...options };
    this.#clock = clock;
  }

  /** Counts one, and returns whether the budget is spent: `back` one step, or `collapse`. One caller alone cannot spend it. */
  count(isBad: boolean, caller?: string): 'fine' | 'back' | 'collapse' {
    const slot = this.#slot;
    let slice = this.#slices.find((one) => one.slot === slot);
    if (!slice) {
      slice = { slot, all: 0, bad: 0, byCaller: new Map() };
      this.#slices = [...this.#slices.filter((one) => one.slot > slot - SLICES && one.slot < slot), slice];
    }
    slice.all += 1;
    if (isBad) {
      slice.bad += 1;
      const place = caller === undefined ? undefined : placeOf(caller);
      if (place !== undefined) slice.byCaller.set(place, (slice.byCaller.get(place) ?? 0) + 1);
    }
    const { all, bad } = this.used;
    const { errorRatio, minimum, collapse } = this.#options;
    if (all < minimum || bad / all <= errorRatio || !this.#isSpent(errorRatio * all, bad)) return 'fine';
    return bad / all >= collapse && this.#isSpent(collapse * all, bad) ? 'collapse' : 'back';
  }

  /** Requests in the window, and those of them that failed. */
  get used(): { readonly all: number; readonly bad: number } {
    return this.#inWindow.reduce((sum, { all, bad }) => ({ all: sum.all + all, bad: sum.bad + bad }), {
      all: 0,
      bad: 0,
    });
  }

  /** Begins anew, after the ratio changed. */
  clear(): void {
    this.#slices = [];
  }

  get #slot(): number {
    return Math.floor(this.#clock() / (this.#options.windowMs / SLICES));
  }

  get #inWindow(): Slice[] {
    const slot = this.#slot;
    return this.#slices.filter((one) => one.slot > slot - SLICES);
  }

  /** Whether failures reach a limit when none counts whose caller has spent its share. */
  #isSpent(limit: number, bad: number): boolean {
    const byCaller = new Map<number, number>();
    for (const slice of this.#inWindow)
      for (const [caller, count] of slice.byCaller) byCaller.set(caller, (byCaller.get(caller) ?? 0) + count);
    const named = [...byCaller.values()];
    const nameless = bad - named.reduce((sum, count) => sum + count, 0);
    if (nameless === 0 && named.length < 2) return false;
    const counted = named.reduce((sum, count) => sum + Math.min(count, limit * CALLER_SHARE), nameless);
    return counted >= limit - 1e-9;
  }
}
