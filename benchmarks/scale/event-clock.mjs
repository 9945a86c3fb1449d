/** Time that passes from event to event: hours take as long as what happens in them. Times in ms. */
export class EventClock {
  #now = 0;
  #order = 0;
  /** A binary heap: the earliest first, and of one moment that which was asked for first. */
  #heap = [];

  get now() {
    return this.#now;
  }

  after(ms, run) {
    this.#heap.push({ at: this.#now + ms, order: this.#order++, run });
    this.#up(this.#heap.length - 1);
  }

  /** Until nothing is left to happen, or `until`. */
  run(until = Infinity) {
    while (this.#heap.length > 0 && this.#heap[0].at <= until) {
      const { at, run } = this.#take();
      this.#now = at;
      run();
    }
  }

  #isBefore(a, b) {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  }

  #swap(a, b) {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b], this.#heap[a]];
  }

  #up(at) {
    for (let i = at; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#isBefore(i, parent)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  #take() {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (this.#heap.length === 0) return first;
    this.#heap[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < this.#heap.length && this.#isBefore(child, least)) least = child;
      if (least === i) return first;
      this.#swap(i, least);
      i = least;
    }
  }
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
