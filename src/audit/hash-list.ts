import { HASH_BYTES } from './hash.js';

/** Hashes one behind the other, in memory that doubles. */
export class HashList {
  #bytes = new Uint8Array(HASH_BYTES * 64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(hash: Uint8Array): void {
    const at = this.#length * HASH_BYTES;
    if (at === this.#bytes.length) {
      const larger = new Uint8Array(at * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(hash, at);
    this.#length++;
  }

  /** A view: not to be changed, and not to be kept. */
  at(index: number): Uint8Array {
    return this.range(index, index + 1);
  }

  /** The hashes from `start` up to, without, `end`, as they stand in memory. */
  range(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start * HASH_BYTES, end * HASH_BYTES);
  }
}
