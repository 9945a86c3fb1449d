/** Ends a connection. */
type End = () => void;

/**
 * Connections that have not shown who they are: so many of each address, and so many in all. One too many in all ends the
 * oldest of them, so that silent ones do not keep out those who show who they are at once.
 */
export class Strangers {
  readonly #ofEach: number;
  readonly #inAll: number;
  /** In the order in which they came. */
  readonly #waiting = new Map<End, string>();
  readonly #ofAddress = new Map<string, number>();

  constructor(ofEach: number, inAll: number) {
    this.#ofEach = ofEach;
    this.#inAll = inAll;
  }

  /** Counts a connection; returns how to end that, any number of times. `undefined`: the address has too many. */
  enter(address: string, end: End): (() => void) | undefined {
    const held = this.#ofAddress.get(address) ?? 0;
    if (held >= this.#ofEach) return undefined;
    if (this.#waiting.size >= this.#inAll) {
      const [oldest] = this.#waiting.keys();
      this.#leave(oldest!);
      oldest!();
    }
    this.#waiting.set(end, address);
    this.#ofAddress.set(address, (this.#ofAddress.get(address) ?? 0) + 1);
    return () => this.#leave(end);
  }

  #leave(end: End): void {
    const address = this.#waiting.get(end);
    if (address === undefined) return;
    this.#waiting.delete(end);
    const left = this.#ofAddress.get(address)! - 1;
    if (left > 0) this.#ofAddress.set(address, left);
    else this.#ofAddress.delete(address);
  }
}
