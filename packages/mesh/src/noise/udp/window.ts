/** How far behind the newest a message may be. */
export const WINDOW = 2_048;
const WORDS = WINDOW / 32 + 1;

/** Which numbers came already: a ring of bits behind the newest one (RFC 6479). */
export class ReplayWindow {
  readonly #bits = new Uint32Array(WORDS);
  #newest = -1;

  /** The highest number that was marked; -1 before the first one. */
  get newest(): number {
    return this.#newest;
  }

  /** Whether the number is new and not too old. Changes nothing: what is not authentic must leave no trace. */
  isNew(n: number): boolean {
    if (n > this.#newest) return true;
    if (this.#newest - n >= WINDOW) return false;
    return (this.#bits[this.#wordOf(n)]! & (1 << (n % 32))) === 0;
  }

  /** Marks a number for which {@link ReplayWindow.isNew} was true. */
  mark(n: number): void {
    if (n > this.#newest) {
      const [from, to] = [Math.floor(Math.max(0, this.#newest) / 32), Math.floor(n / 32)];
      for (let word = Math.max(from + 1, to - WORDS + 1); word <= to; word++) this.#bits[word % WORDS] = 0;
      this.#newest = n;
    }
    this.#bits[this.#wordOf(n)]! |= 1 << (n % 32);
  }

  #wordOf(n: number): number {
    return Math.floor(n / 32) % WORDS;
  }
}
