/**
 * A map that holds at most `capacity` entries and forgets the one used longest ago. For caches of things derived from
 * what strangers send: it can be made useless by a flood, never large.
 */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #capacity: number;
  /** Stands at the oldest key. A new one would have to pass all that were deleted there: with 100 000 entries some 20 us for each that is added. */
  #oldest: Iterator<K>;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#oldest = this.#entries.keys();
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined && this.#entries.size > this.#capacity / 2) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#capacity) this.#forgetOldest();
  }

  delete(key: K): boolean {
    return this.#entries.delete(key);
  }

  /** Removes all of which that is true. */
  removeIf(isOver: (value: V) => boolean): void {
    for (const [key, value] of this.#entries) if (isOver(value)) this.#entries.delete(key);
  }

  get size(): number {
    return this.#entries.size;
  }

  #forgetOldest(): void {
    let next = this.#oldest.next();
    if (next.done) {
      this.#oldest = this.#entries.keys(); // it had come to its end
      next = this.#oldest.next();
    }
    this.#entries.delete(next.value);
  }
}
