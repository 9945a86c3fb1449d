const SLOTS = 10;

/** Share of xLink among the requests of a sliding window, kept as ten slots that are reused in turn. */
export class AdoptionWindow {
  readonly #slotMs: number;
  readonly #clock: () => number;
  readonly #slots = Array.from({ length: SLOTS }, () => ({ number: -1, xlink: 0, all: 0 }));

  constructor(windowMs: number, clock: () => number = Date.now) {
    this.#slotMs = windowMs / SLOTS;
    this.#clock = clock;
  }

  count(xlink: boolean): void {
    const number = this.#now();
    const slot = this.#slots[number % SLOTS]!;
    if (slot.number !== number) Object.assign(slot, { number, xlink: 0, all: 0 });
    slot.all += 1;
    if (xlink) slot.xlink += 1;
  }

  /** 0 to 1, or `NaN` if the window is empty. */
  ratio(): number {
    const oldest = this.#now() - SLOTS + 1;
    const live = this.#slots.filter(({ number }) => number >= oldest);
    const sum = (key: 'xlink' | 'all') => live.reduce((total, slot) => total + slot[key], 0);
    return sum('xlink') / sum('all');
  }

  #now(): number {
    return Math.floor(this.#clock() / this.#slotMs);
  }
}
