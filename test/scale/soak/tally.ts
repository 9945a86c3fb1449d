/** What a soak saw: how often what happened, what took longest, and everything that must not be. */
export class Tally {
  /** What must not be, at most 20 of it. */
  readonly wrongs: string[] = [];
  /** Why a call was refused the last time. */
  readonly lastRefusals = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  #slowestMs = 0;

  count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  wrong(what: string): void {
    this.count('wrong');
    if (this.wrongs.length < 20) this.wrongs.push(what);
  }

  /** How often it happened. */
  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** Makes a call that must settle in time; `undefined` if it rejected. */
  async call<T>(
    name: string,
    limitMs: number,
    work: () => Promise<T> | T,
  ): Promise<{ value: T } | undefined> {
    const began = performance.now();
    const hung = setTimeout(() => this.wrong(`${name} takes longer than ${limitMs} ms`), limitMs);
    try {
      const value = await work();
      this.count(`${name}: ok`);
      return { value };
    } catch (error) {
      this.lastRefusals.set(name, String((error as Error).cause ?? error));
      this.count(`${name}: refused`);
      return undefined;
    } finally {
      clearTimeout(hung);
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - began);
    }
  }

  toString(): string {
    const counts = [...this.#counts].sort(([a], [b]) => a.localeCompare(b));
    return [
      ...counts.map(([what, count]) => `${what} ${count}`),
      `slowest ${Math.round(this.#slowestMs)} ms`,
    ].join('\n');
  }
}
