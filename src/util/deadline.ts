/** How long a call may take in all, counted from when this is made. */
export class Deadline {
  readonly #ms: number;
  readonly #at: number;
  readonly #expired: () => Error;

  /** `expired` makes the error for what came too late. */
  constructor(ms: number, expired: () => Error) {
    this.#ms = ms;
    this.#at = performance.now() + ms;
    this.#expired = expired;
  }

  /** Throws the error for what came too late if less than this share of the time (0 to 1) is left. */
  assertLeft(share: number): void {
    if (this.#at - performance.now() < share * this.#ms) throw this.#expired();
  }

  /**
   * Settles as the work does, or rejects when the time is up; once it is, work is not even begun. What the work resolves
   * to too late goes to `late`, so that a connection can be given back.
   */
  keep<T>(work: () => Promise<T>, late?: (value: T) => void): Promise<T> {
    const left = this.#at - performance.now();
    return left > 0 ? within(left, work(), this.#expired, late) : Promise.reject(this.#expired());
  }
}

/**
 * Settles as the promise does, or rejects with `expired()` after `ms` milliseconds, whichever comes first. What the
 * promise resolves to after that goes to `late`, so that a connection can be given back; a late rejection is dropped.
 */
export function within<T>(
  ms: number,
  promise: Promise<T>,
  expired: () => Error,
  late: (value: T) => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const timer = setTimeout(() => {
      isOver = true;
      reject(expired());
    }, ms);
    promise.then(
      (value) => {
        clearTimeout(timer);
        if (isOver) late(value);
        else resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
