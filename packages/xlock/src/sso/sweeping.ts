const EVERY_MS = 300_000;

/** Removes what is over from stores that do not do so by themselves, at most once in five minutes. */
export class Sweeping {
  readonly #now: () => number;
  readonly #parts: readonly { sweep(): Promise<void> }[];
  #sweptAt = 0;

  constructor(now: () => number, parts: readonly { sweep(): Promise<void> }[]) {
    this.#now = now;
    this.#parts = parts;
  }

  /** Begins, and lets nobody wait. What fails is tried again the next time. */
  begin(): void {
    const sinceMs = this.#now() - this.#sweptAt;
    if (sinceMs >= 0 && sinceMs < EVERY_MS) return; // below 0 where the clock was set back
    this.#sweptAt = this.#now();
    for (const part of this.#parts) void part.sweep().catch(() => {});
  }
}
