import type { Clock } from '../../types/protocol.js';
import { Journal } from './journal.js';
import { type Change, inLines, type Pending, settle, takeBatch } from './journal-batch.js';
import type { JournalOptions } from './journal-file.js';
import { RetriedOpen } from './retried-open.js';

export interface JournalQueueOptions extends JournalOptions {
  /** For a file that is opened again after it could not be, or was replaced: forgets what was replayed before. */
  readonly reset?: () => void;
  /** What the file would hold if it were written now. */
  readonly snapshot: () => Iterable<unknown>;
  /** Bytes that a snapshot would have, about. Default: what it had the last time. */
  readonly liveBytes?: () => number;
  /** A batch begins: changes of the one before were applied, or were not made. */
  readonly onBatch?: () => void;
  readonly clock?: Clock | undefined;
}

/** The file is written anew when it has this many bytes more than twice what it needs. */
const GROWTH_ALLOWANCE = 256 * 1024;

/**
 * Writes to a journal one batch at a time: what comes while a batch is written shares the next one, and so the wait for
 * the disk. Opens the journal in the background, and once more, a second or more after that failed, if it is asked to.
 */
export class JournalQueue {
  readonly #options: JournalQueueOptions;
  readonly #opened: RetriedOpen<Journal>;
  #journal: Journal | undefined;
  #pending: Pending[] = [];
  #writing: Promise<void> | undefined;
  #compactAbove = 0;
  #closing: Promise<void> | undefined;

  constructor(options: JournalQueueOptions) {
    this.#options = options;
    this.#opened = new RetriedOpen(() => this.#open(), options.clock ?? Date.now);
  }

  /** Whether the file was replayed, and is still open. */
  get isOpen(): boolean {
    return this.#journal !== undefined && this.#closing === undefined;
  }

  /** Resolves when the file was replayed. Rejects if it cannot be. */
  ready(): Promise<Journal> {
    return this.#closing ? Promise.reject(closed()) : this.#opened.get();
  }

  /** Resolves when the value is durable and `apply` was called. */
  write(value: unknown, apply: () => void): Promise<void> {
    return this.change({ value: () => value, apply });
  }

  /** The same for a value that depends on what is in the file by then. */
  change(change: Change): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closing) return reject(closed());
      this.#pending.push({ ...change, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** If the file is not the one that was opened any more, opens the one that is there. Not while something is written. */
  async refresh(): Promise<void> {
    const journal = await this.ready();
    await this.#writing;
    try {
      await journal.assertOurs();
    } catch {
      this.#journal = undefined;
      this.#opened.again();
      await journal.close();
      await this.ready();
    }
  }

  /** Writes what is still to be written, and lets another process have the file. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#writing;
    const journal = await this.#opened.end();
    await journal?.close();
  }

  async #open(): Promise<Journal> {
    this.#options.reset?.();
    const journal = await Journal.open(this.#options);
    this.#compactAbove = 0;
    await this.#compactIfLong(journal);
    this.#journal = journal;
    return journal;
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve(); // what is asked for in the same tick comes along
    try {
      while (this.#pending.length > 0) await this.#writeBatch(await this.#opened.get());
    } catch (error) {
      for (const { reject } of this.#pending.splice(0)) reject(error);
    } finally {
      this.#writing = undefined; // in the same tick in which nothing was pending
    }
  }

  async #writeBatch(journal: Journal): Promise<void> {
    this.#options.onBatch?.();
    const batch = takeBatch(this.#pending);
    const texts = batch.flatMap(({ text }) => text ?? []);
    try {
      if (texts.length > 0) await journal.append(texts);
    } catch (error) {
      const unmade = new Set(batch.map(({ text, change }) => (text === undefined ? undefined : change.key)));
      for (const { change, text, refusal } of batch)
        if (text !== undefined || (change.key !== undefined && unmade.has(change.key))) change.reject(error);
        else settle(change, refusal);
      return;
    }
    for (const { change, text, refusal } of batch) {
      if (text !== undefined) change.apply();
      settle(change, refusal);
    }
    await this.#compactIfLong(journal);
  }

  /** If it fails, for lack of space say, the file goes on to grow and it is tried again later. */
  async #compactIfLong(journal: Journal): Promise<void> {
    const { now, compacted } = journal.size;
    const needed = this.#options.liveBytes?.() ?? compacted;
    if (now <= Math.max(needed * 2 + GROWTH_ALLOWANCE, this.#compactAbove)) return;
    try {
      await journal.compact(inLines(this.#options.snapshot()));
      this.#compactAbove = 0;
    } catch {
      this.#compactAbove = now * 2;
    }
  }
}

const closed = (): Error => new Error('the file was closed');
