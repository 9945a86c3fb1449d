import type { Journal } from './journal.js';

export interface JournalQueueOptions {
  readonly journal: Journal;
  /** The file is written anew when it has more bytes than this says. */
  readonly maxBytes: () => number;
  /** What the file would hold if it were written now. */
  readonly snapshot: () => Iterable<unknown>;
}

/** Values that are written, and made durable, in one go. */
const MAX_BATCH = 256;

interface Pending {
  readonly value: unknown;
  readonly apply: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes to a journal one batch at a time: what comes while a batch is written shares the next one, and so the wait for
 * the disk. Each line of the journal is the list of values of one batch.
 */
export class JournalQueue {
  readonly #options: JournalQueueOptions;
  #pending: Pending[] = [];
  #writing: Promise<void> | undefined;
  #compactAbove = 0;
  #isClosed = false;

  constructor(options: JournalQueueOptions) {
    this.#options = options;
  }

  /** Resolves when the value is durable and `apply` was called: right after the write, so no snapshot misses it. */
  write(value: unknown, apply: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new Error('the file was closed'));
      this.#pending.push({ value, apply, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Writes what is still to be written. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    await this.#options.journal.close();
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve(); // what is asked for in the same tick comes along
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0, MAX_BATCH);
      try {
        await this.#options.journal.append(batch.map(({ value }) => value));
      } catch (error) {
        for (const { reject } of batch) reject(error);
        continue;
      }
      for (const { apply, resolve } of batch) {
        apply();
        resolve();
      }
      await this.#compactIfLong();
    }
    this.#writing = undefined;
  }

  /** If it fails, for lack of space say, the file goes on to grow and it is tried again later. */
  async #compactIfLong(): Promise<void> {
    const { journal, maxBytes, snapshot } = this.#options;
    if (journal.size <= Math.max(maxBytes(), this.#compactAbove)) return;
    try {
      await journal.compact(inBatches(snapshot()));
      this.#compactAbove = 0;
    } catch {
      this.#compactAbove = journal.size * 2;
    }
  }
}

function* inBatches(values: Iterable<unknown>): Iterable<unknown[]> {
  let batch: unknown[] = [];
  for (const value of values) {
    batch.push(value);
    if (batch.length < MAX_BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
