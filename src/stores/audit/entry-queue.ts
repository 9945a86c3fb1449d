import { xlinkError } from '../../errors/service-errors.js';

/** Entries and characters that are written, and made durable, together. */
const MAX_BATCH = 1024;
const MAX_BATCH_LENGTH = 1 << 20;

interface Waiting<T> {
  readonly entry: string;
  readonly settle: (written: T | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export interface EntryQueueOptions<T> {
  readonly onOverload: 'fail-closed' | 'drop';
  readonly maxPending: number;
  /** Makes entries durable. Resolves to what became of each; if it rejects, none is. */
  readonly write: (entries: readonly string[]) => Promise<readonly T[]>;
  /** The entry that says how many were dropped. */
  readonly gap: (count: number) => string;
}

/** Entries on their way to the disk: what comes while some are written shares the next wait for it. */
export class EntryQueue<T> {
  readonly #options: EntryQueueOptions<T>;
  #waiting: Waiting<T>[] = [];
  #count = 0;
  #dropped = 0;
  #untold = 0;
  #writing: Promise<void> | undefined;
  /** Of the entry that was added last: batches are written in order. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: EntryQueueOptions<T>) {
    this.#options = options;
  }

  /** Entries that are not durable yet, and that were dropped since the log was opened. */
  get counts(): { readonly pending: number; readonly dropped: number } {
    return { pending: this.#count, dropped: this.#dropped };
  }

  /** Resolves to what is wanted of what became of it when the entry is durable, or to `undefined` if it was dropped. */
  add<Wanted>(entry: string, wanted: (written: T) => Wanted): Promise<Wanted | undefined> {
    if (this.#count >= this.#options.maxPending) {
      if (this.#options.onOverload === 'fail-closed')
        return Promise.reject(xlinkError('AUDIT_UNAVAILABLE:OVERLOADED', { retryAfterMs: 1000 }));
      this.#drop(1);
      return Promise.resolve(undefined);
    }
    this.#count++;
    const added = new Promise<Wanted | undefined>((resolve, reject) => {
      const settle = (written: T | undefined) => resolve(written && wanted(written));
      this.#waiting.push({ entry, settle, reject });
      this.#writing ??= this.#writeAll();
    });
    this.#last = added;
    return added;
  }

  /** Resolves when everything that was added before this call is written, or was not. */
  async flushed(): Promise<void> {
    await this.#last.catch(() => {});
  }

  /** Resolves when everything that was added is written, or was not. */
  async idle(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve(); // what is added in the same tick comes along
    while (this.#waiting.length > 0) await this.#writeBatch(this.#take());
    this.#writing = undefined; // in the same tick in which nothing was waiting
  }

  #take(): Waiting<T>[] {
    let [count, length] = [0, 0];
    for (const { entry } of this.#waiting) {
      count++;
      length += entry.length;
      if (count >= MAX_BATCH || length >= MAX_BATCH_LENGTH) break;
    }
    return this.#waiting.splice(0, count);
  }

  async #writeBatch(batch: Waiting<T>[]): Promise<void> {
    const untold = this.#untold;
    const gap = untold > 0 ? [this.#options.gap(untold)] : [];
    try {
      const written = await this.#options.write([...gap, ...batch.map(({ entry }) => entry)]);
      this.#untold -= untold;
      for (const [at, { settle }] of batch.entries()) settle(written[gap.length + at]);
    } catch (cause) {
      const error = xlinkError('AUDIT_UNAVAILABLE', { cause, retryAfterMs: 1000 });
      const mayDrop = this.#options.onOverload === 'drop';
      if (mayDrop) this.#drop(batch.length);
      for (const { settle, reject } of batch) mayDrop ? settle(undefined) : reject(error);
    } finally {
      this.#count -= batch.length;
    }
  }

  #drop(count: number): void {
    this.#dropped += count;
    this.#untold += count;
  }
}
