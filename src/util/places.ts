/** Counts who is in at a time, of each name and in all. */
export class Places {
  readonly #ofEach: number;
  readonly #inAll: number;
  readonly #taken = new Map<string, number>();
  #count = 0;

  constructor(ofEach: number, inAll: number) {
    this.#ofEach = ofEach;
    this.#inAll = inAll;
  }

  /** Takes a place; returns how to leave it, which is to be called once. `undefined`: there is none. */
  enter(name: string): (() => void) | undefined {
    const taken = this.#taken.get(name) ?? 0;
    if (taken >= this.#ofEach || this.#count >= this.#inAll) return undefined;
    this.#taken.set(name, taken + 1);
    this.#count += 1;
    return () => this.#leave(name);
  }

  #leave(name: string): void {
    this.#count -= 1;
    const left = this.#taken.get(name)! - 1;
    if (left > 0) this.#taken.set(name, left);
    else this.#taken.delete(name);
  }
}
