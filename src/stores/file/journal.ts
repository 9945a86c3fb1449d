import { stat } from 'node:fs/promises';
import { tell } from '../../util/tell.js';
import { realPathOf, syncFolderOf, writeAt } from './durable-file.js';
import { FileStoreError } from './file-store-error.js';
import {
  type Continuity,
  type JournalOptions,
  listOf,
  makeFile,
  readOrMake,
  type State,
} from './journal-file.js';
import { JournalHead } from './journal-head.js';
import { encodeLineBytes } from './journal-line.js';
import { WriterLock } from './writer-lock.js';

/**
 * A file of lines that grows at its end, each covering the one before. What `append` acknowledged survives a power cut; a
 * line is there as a whole or not at all. Beside it there is a {@link JournalHead}. One call at a time.
 */
export class Journal {
  /** Node warns of a file that is collected while it is open, and from version 26 on ends the process: whoever forgets a store keeps it. */
  static readonly #stillOpen = new Set<Journal>();

  readonly #path: string;
  readonly #format: string;
  readonly #lock: WriterLock;
  readonly #head: JournalHead;
  #state: State;
  /** There may be half a line behind the last whole one. */
  #torn = false;
  /** The name of the file may be lost in a power cut. */
  #unnamed = false;

  private constructor(options: JournalOptions, lock: WriterLock, head: JournalHead, state: State) {
    this.#path = options.path;
    this.#format = options.format;
    this.#lock = lock;
    this.#head = head;
    this.#state = state;
  }

  /**
   * Opens the file, or makes it, with mode 0600. Rejects with a {@link FileStoreError} if it is locked, not a journal of
   * this format, damaged, or holds less than was acknowledged.
   */
  static async open(asked: JournalOptions): Promise<Journal> {
    const options = { ...asked, path: await realPathOf(asked.path) };
    const lock = await WriterLock.acquire(options.path, options.lockWaitMs);
    let head: JournalHead | undefined;
    let opened: State | undefined;
    try {
      head = await JournalHead.open(options.path);
      const { state, continuity } = await readOrMake(options, head);
      opened = state;
      const journal = new Journal(options, lock, head, state);
      await journal.#begin(continuity, options);
      Journal.#stillOpen.add(journal);
      return journal;
    } catch (error) {
      await opened?.handle.close().catch(() => {});
      await head?.close();
      await lock.release();
      throw error;
    }
  }

  /** Bytes that the file has, and bytes that it had when it was last written anew. */
  get size(): { readonly now: number; readonly compacted: number } {
    return { now: this.#state.size, compacted: this.#state.compacted };
  }

  /** Resolves when the JSON texts are on the disk, in one line. If it rejects they are not in the journal, and the next may be. */
  async append(texts: readonly string[]): Promise<void> {
    await this.#settle();
    const { bytes, sum } = encodeLineBytes(this.#state.sum, listOf(texts));
    const { handle, size } = this.#state;
    this.#torn = true;
    try {
      await writeAt(handle, bytes, size);
      await handle.datasync();
      await this.#acknowledge({ ...this.#state, size: size + bytes.length, sum });
    } catch (error) {
      await this.#cutBack().catch(() => {}); // then before the next line
      throw error;
    }
    this.#torn = false;
  }

  /** Puts a file with these lines of JSON texts only in the place of the file. If it rejects, the journal goes on as it was. */
  async compact(lines: Iterable<readonly string[]>): Promise<void> {
    await this.#settle();
    await this.#head.sync(); // the new file says what it follows
    const made = await makeFile(this.#path, this.#format, lines, this.#state.sum);
    const old = this.#state.handle;
    this.#state = made;
    this.#unnamed = true;
    await old.close().catch(() => {});
    await this.#name();
  }

  /** Rejects with `ECHANGED` if the file was removed, replaced or written to: lines in it would be lost. */
  async assertOurs(): Promise<void> {
    const [here, there] = await Promise.all([this.#state.handle.stat(), stat(this.#path).catch(absent)]);
    const change =
      there === undefined
        ? 'was removed while it was open (ENOENT)'
        : here.ino !== there.ino || here.dev !== there.dev
          ? 'was replaced while it was open'
          : here.size !== this.#state.size
            ? 'was written to by another program'
            : undefined;
    if (change)
      throw new FileStoreError('ECHANGED', `${this.#path} ${change}. Put it back, or restart the process`);
  }

  async close(): Promise<void> {
    Journal.#stillOpen.delete(this);
    await this.#state.handle.close().catch(() => {}); // every line was made durable when it was written
    await this.#head.close();
    await this.#lock.release();
  }

  async #settle(): Promise<void> {
    if (this.#torn) await this.#cutBack();
    await this.assertOurs();
    if (this.#unnamed) await this.#name();
  }

  async #name(): Promise<void> {
    await syncFolderOf(this.#path);
    await this.#acknowledge(this.#state);
    await this.#head.sync();
    this.#unnamed = false;
  }

  async #acknowledge(state: State): Promise<void> {
    const { file, size, sum, compacted, inode } = state;
    await this.#head.write({ file, size, sum, compacted, inode });
    this.#state = state;
  }

  async #cutBack(): Promise<void> {
    await this.#state.handle.truncate(this.#state.size);
    await this.#state.handle.sync();
    this.#torn = false;
  }

  async #begin(continuity: Continuity, { begin, onRepair }: JournalOptions): Promise<void> {
    const bytes = (await this.#state.handle.stat()).size - this.#state.size;
    if (bytes > 0) await this.#cutBack();
    const first = begin?.(continuity);
    if (first !== undefined) await this.append([JSON.stringify(first)]);
    await this.#name();
    if (bytes > 0) tell(onRepair, { path: this.#path, bytes });
  }
}

const absent = (error: unknown): undefined => {
  if ((error as { code?: string }).code !== 'ENOENT') throw error;
};
