import { constants, type FileHandle, open } from 'node:fs/promises';
import { writeAt } from './durable-file.js';
import { FileStoreError } from './file-store-error.js';
import { decodeLine, encodeLine } from './journal-line.js';

/** What was acknowledged last. */
export interface Head {
  /** Sum of the first line of the journal: which file this is about. */
  readonly file: string;
  /** Bytes up to the end of the last line that was acknowledged, and the sum of that line. */
  readonly size: number;
  readonly sum: string;
  /** Bytes that the journal had when it was last written anew. */
  readonly compacted: number;
  /** Which file it was, by number and time of birth. */
  readonly inode: string;
}

/** Bytes of the file: within one sector, so that it is written as a whole or not at all. */
const LENGTH = 256;

/**
 * The file `<journal>.head`: how far the journal was acknowledged. A journal alone cannot tell lines that were cut off
 * from lines that were never written.
 *
 * It is written in place after every line of the journal, before that is acknowledged, and is made durable only when the
 * journal is opened, written anew or closed. So after a crash of the process it is exact. After a power cut it may be as
 * old as the operating system keeps what it has not written (30 s on Linux), and never ahead of the journal.
 */
export class JournalHead {
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async open(journal: string): Promise<JournalHead> {
    const path = `${journal}.head`;
    return new JournalHead(path, await open(path, constants.O_RDWR | constants.O_CREAT, 0o600));
  }

  /** `undefined` if none was written yet. Rejects with `EDAMAGED`. */
  async read(): Promise<Head | undefined> {
    const bytes = Buffer.alloc(LENGTH + 1);
    const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, 0);
    if (bytesRead === 0) return undefined;
    const line = decodeLine('', bytes.toString('utf8', 0, bytesRead).trimEnd());
    if (line) return line.value as Head;
    throw new FileStoreError(
      'EDAMAGED',
      `${this.#path} is damaged. Restore it, or remove it to trust the file beside it`,
    );
  }

  async write(head: Head): Promise<void> {
    const { text } = encodeLine('', JSON.stringify(head));
    await writeAt(this.#file, Buffer.from(`${text.padEnd(LENGTH - 1)}\n`), 0);
  }

  async sync(): Promise<void> {
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.sync().catch(() => {}); // it is only less exact then
    await this.#file.close().catch(() => {});
  }
}
