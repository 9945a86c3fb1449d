import { constants, type FileHandle, mkdir, open, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { replaceFile, syncFolderOf, writeAt } from './durable-file.js';
import { decodeLine, encodeLine } from './journal-line.js';
import { WriterLock } from './writer-lock.js';

export interface JournalOptions {
  readonly path: string;
  /** What the journal is of: its first line says so, and a file that says something else is left alone. */
  readonly format: string;
  /** Given every value, oldest first. What it throws ends the opening. */
  readonly replay: (value: unknown) => void;
  /** Told that the end of the file was half a line, which a crash left, and was cut off. */
  readonly onRepair?: ((cut: { readonly path: string; readonly bytes: number }) => void) | undefined;
}

const NEWLINE = 0x0a;

/**
 * A file of checked lines that grows at its end. What `append` acknowledged survives a power cut; a line is there as a
 * whole or not at all. One call at a time.
 */
export class Journal {
  readonly #path: string;
  readonly #header: string;
  readonly #lock: WriterLock;
  #file: FileHandle;
  /** Where the next line goes: behind the last one that is known to be whole. */
  #size: number;
  /** There may be half a line behind `#size`. */
  #torn = false;
  /** The name of the file may be lost in a power cut. */
  #unnamed = false;

  private constructor(path: string, header: string, lock: WriterLock, file: FileHandle, size: number) {
    this.#path = path;
    this.#header = header;
    this.#lock = lock;
    this.#file = file;
    this.#size = size;
  }

  /**
   * Opens the file, or makes it, with mode 0600; one that others may read or write is set to that. Rejects if it is
   * locked, not a journal of this format, or damaged anywhere but at its end.
   */
  static async open(options: JournalOptions): Promise<Journal> {
    const path = await realPathOf(options.path);
    const lock = await WriterLock.acquire(path);
    let journal: Journal | undefined;
    try {
      const header = `${encodeLine({ format: options.format, version: 1 })}\n`;
      const [file, size] = await openOrMake(path, header);
      journal = new Journal(path, header, lock, file, size);
      await journal.#read(options);
      return journal;
    } catch (error) {
      await journal?.close().catch(() => {});
      if (!journal) await lock.release();
      throw error;
    }
  }

  /** Bytes that the file has. */
  get size(): number {
    return this.#size;
  }

  /** Resolves when the value is on the disk. If it rejects, the value is not in the journal, and the next one may be. */
  async append(value: unknown): Promise<void> {
    const line = Buffer.from(`${encodeLine(value)}\n`);
    if (this.#torn) await this.#cutBack();
    await this.#assertOurs();
    if (this.#unnamed) await this.#name();
    this.#torn = true;
    try {
      await writeAt(this.#file, line, this.#size);
      await this.#file.datasync();
    } catch (error) {
      await this.#cutBack().catch(() => {}); // then before the next line
      throw error;
    }
    this.#torn = false;
    this.#size += line.length;
  }

  /** Puts a file with these values only in the place of the file. If it rejects, the journal goes on as it was. */
  async compact(values: Iterable<unknown>): Promise<void> {
    if (this.#torn) await this.#cutBack();
    await this.#assertOurs();
    const [file, size] = await replaceFile(this.#path, linesOf(this.#header, values));
    const old = this.#file;
    this.#file = file;
    this.#size = size;
    this.#unnamed = true;
    await old.close().catch(() => {});
    await this.#name();
  }

  async close(): Promise<void> {
    await this.#file.close().catch(() => {}); // every line was made durable when it was written
    await this.#lock.release();
  }

  async #name(): Promise<void> {
    await syncFolderOf(this.#path);
    this.#unnamed = false;
  }

  async #cutBack(): Promise<void> {
    await this.#file.truncate(this.#size);
    await this.#file.sync();
    this.#torn = false;
  }

  /** A file that was removed, replaced or written to by somebody else takes no more lines: they would be lost. */
  async #assertOurs(): Promise<void> {
    const [here, there] = await Promise.all([this.#file.stat(), stat(this.#path)]);
    if (here.ino !== there.ino || here.dev !== there.dev)
      throw new Error(`${this.#path} was replaced while it was open`);
    if (here.size !== this.#size) throw new Error(`${this.#path} was written to by somebody else`);
  }

  /** Only the last line may be damaged: everything before it was acknowledged. */
  async #read({ replay, onRepair }: JournalOptions): Promise<void> {
    const bytes = await this.#file.readFile();
    let at = Buffer.byteLength(this.#header);
    if (bytes.toString('utf8', 0, at) !== this.#header)
      throw new Error(`${this.#path} is a file of another kind`);
    for (let number = 2; at < bytes.length; number++) {
      const end = bytes.indexOf(NEWLINE, at);
      const value = end === -1 ? undefined : decodeLine(bytes.toString('utf8', at, end));
      if (value === undefined && end !== -1 && end + 1 < bytes.length) throw damaged(this.#path, number);
      if (value === undefined) break;
      try {
        replay(value);
      } catch (cause) {
        throw damaged(this.#path, number, cause);
      }
      at = end + 1;
    }
    this.#size = at;
    if (at === bytes.length) return;
    await this.#cutBack();
    onRepair?.({ path: this.#path, bytes: bytes.length - at });
  }
}

const damaged = (path: string, line: number, cause?: unknown): Error =>
  new Error(`${path}: line ${line} is damaged`, cause === undefined ? undefined : { cause });

function* linesOf(header: string, values: Iterable<unknown>): Iterable<string> {
  yield header;
  for (const value of values) yield `${encodeLine(value)}\n`;
}

/** Follows links, so that the file itself is replaced and locked under whichever name it was given. */
async function realPathOf(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
    return join(await realpath(dirname(path)), basename(path));
  }
}

async function openOrMake(path: string, header: string): Promise<[FileHandle, number]> {
  await rm(`${path}.tmp`, { force: true }); // left by a crash
  const existing = await openExisting(path);
  if (existing) return existing;
  const made = await replaceFile(path, [header]);
  await syncFolderOf(path);
  return made;
}

async function openExisting(path: string): Promise<[FileHandle, number] | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDWR);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stats = await file.stat();
    const { size, mode } = stats;
    if (!stats.isFile()) throw new Error(`${path} is not a file`); // a device would be replaced
    if (process.platform !== 'win32' && mode & 0o077) await file.chmod(0o600);
    if (size > 0) return [file, size];
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
  await file.close(); // made by hand: made anew, with its first line
  return undefined;
}
