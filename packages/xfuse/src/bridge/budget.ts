import type { BudgetOptions } from './options.js';

const SLICES = 10;

/** Counts requests of the modern side in a sliding window of ten slices, and says when too many failed. */
export class ErrorBudget {
  readonly #options: Required<BudgetOptions>;
  readonly #clock: () => number;
  #slices: { readonly slot: number; all: number; bad: number }[] = [];

  constructor(options: BudgetOptions, clock: () => number) {
    this.#options = { errorRatio: 0.02, windowMs: 60_000, minimum: 20, collapse: 0.5, ...options };
    this.#clock = clock;
  }

  /** Counts one, and returns whether the budget is spent: `back` one step, or `collapse`. */
  count(isBad: boolean): 'fine' | 'back' | 'collapse' {
    const slot = Math.floor(this.#clock() / (this.#options.windowMs / SLICES));
    let slice = this.#slices.find((one) => one.slot === slot);
    if (!slice) {
      slice = { slot, all: 0, bad: 0 };
      this.#slices = [...this.#slices.filter((one) => one.slot > slot - SLICES && one.slot < slot), slice];
    }
    slice.all += 1;
    if (isBad) slice.bad += 1;
    const { all, bad } = this.used;
    if (all < this.#options.minimum || bad / all <= this.#options.errorRatio) return 'fine';
    return bad / all >= this.#options.collapse ? 'collapse' : 'back';
  }

  /** Requests in the window, and those of them that failed. */
  get used(): { readonly all: number; readonly bad: number } {
    const slot = Math.floor(this.#clock() / (this.#options.windowMs / SLICES));
    const inWindow = this.#slices.filter((one) => one.slot > slot - SLICES);
    return inWindow.reduce((sum, { all, bad }) => ({ all: sum.all + all, bad: sum.bad + bad }), {
      all: 0,
      bad: 0,
    });
  }

  /** Begins anew, after the ratio changed. */
  clear(): void {
    this.#slices = [];
  }
}
