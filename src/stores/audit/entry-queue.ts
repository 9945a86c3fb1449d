import { xlinkError } from '../../errors/service-errors.js';

/** Entries and bytes that are written, and made durable, together. */
const MAX_BATCH = 1024;
const MAX_BATCH_BYTES = 1 << 20;

interface Waiting<T> {
  readonly entry: Uint8Array;
  readonly resolve: (written: T | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export interface EntryQueueOptions<T> {
  readonly onOverload: 'fail-closed' | 'drop';
  readonly maxPending: number;
  /** Makes entries durable. Resolves to what became of each; if it rejects, none is. */
  readonly write: (entries: readonly Uint8Array[]) => Promise<readonly T[]>;
  /** The entry that says how many were dropped. */
  readonly gap: (count: number) => Uint8Array;
}

/** Entries on their way to the disk: what comes while some are written shares the next wait for it. */
export class EntryQueue<T> {
  readonly #options: EntryQueueOptions<T>;
  #waiting: Waiting<T>[] = [];
  #count = 0;
  #dropped = 0;
  #untold = 0;
  #writing: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(options: EntryQueueOptions<T>) {
    this.#options = options;
  }

  /** Entries that are not durable yet, and that were dropped since the log was opened. */
  get counts(): { readonly pending: number; readonly dropped: number } {
    return { pending: this.#count, dropped: this.#dropped };
  }

  /** Resolves to what became of it when the entry is durable, or to `undefined` if it was dropped. */
  add(entry: Uint8Array): Promise<T | undefined> {
    if (this.#count >= this.#options.maxPending) {
      if (this.#options.onOverload === 'fail-closed')
        return Promise.reject(xlinkError('AUDIT_UNAVAILABLE:OVERLOADED', { retryAfterMs: 1000 }));
      this.#drop(1);
      return Promise.resolve(undefined);
    }
    this.#count++;
    const added = new Promise<T | undefined>((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
    const settled = () => {};
    this.#last = added.then(settled, settled); // batches are written in order
    return added;
  }

  /** Resolves when everything that was added before this call is written, or was not. */
  async flushed(): Promise<void> {
    await this.#last;
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
    let [count, bytes] = [0, 0];
    for (const { entry } of this.#waiting) {
      count++;
      bytes += entry.length;
      if (count >= MAX_BATCH || bytes >= MAX_BATCH_BYTES) break;
    }
    return this.#waiting.splice(0, count);
  }

  async #writeBatch(batch: Waiting<T>[]): Promise<void> {
    const untold = this.#untold;
    const gap = untold > 0 ? [this.#options.gap(untold)] : [];
    try {
      const written = await this.#options.write([...gap, ...batch.map(({ entry }) => entry)]);
      this.#untold -= untold;
      for (const [at, { resolve }] of batch.entries()) resolve(written[gap.length + at]);
    } catch (cause) {
      const error = xlinkError('AUDIT_UNAVAILABLE', { cause, retryAfterMs: 1000 });
      const mayDrop = this.#options.onOverload === 'drop';
      if (mayDrop) this.#drop(batch.length);
      for (const { resolve, reject } of batch) mayDrop ? resolve(undefined) : reject(error);
    } finally {
      this.#count -= batch.length;
    }
  }

  #drop(count: number): void {
    this.#dropped += count;
    this.#untold += count;
  }
}
