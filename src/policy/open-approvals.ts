/** Approvals that were asked for and not given yet, of each caller: nobody is to ask a person without end. */
export class OpenApprovals {
  readonly #most: number;
  readonly #open = new Map<string, Set<{ readonly until: number }>>();

  /** `most`: how many one caller may have at a time. */
  constructor(most: number) {
    this.#most = most;
  }

  /** How to end it again; or, where there are too many, after how many ms the first one of them ends at the latest. */
  begin(caller: string, timeoutMs: number): (() => void) | number {
    const now = performance.now();
    const open = this.#open.get(caller) ?? new Set();
    if (open.size >= this.#most) return Math.max(1, Math.ceil([...open][0]!.until - now));
    const one = { until: now + timeoutMs };
    open.add(one);
    this.#open.set(caller, open);
    return () => {
      open.delete(one);
      if (open.size === 0) this.#open.delete(caller);
    };
  }
}
