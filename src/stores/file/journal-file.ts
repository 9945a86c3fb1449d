import { randomBytes } from 'node:crypto';
import { constants, type FileHandle, open, rm } from 'node:fs/promises';
import { replaceFile } from './durable-file.js';
import { FileStoreError } from './file-store-error.js';
import type { JournalHead } from './journal-head.js';
import { encodeLine } from './journal-line.js';
import { type Header, lost, type Reading, readJournal } from './journal-read.js';

/** Called when the end of a file was a line that a crash left unfinished, and that was never acknowledged: it was cut off. */
export type OnRepair = (cut: { readonly path: string; readonly bytes: number }) => void;

export interface JournalOptions {
  readonly path: string;
  /** What the journal is of: its first line says so, and a file that says something else is left alone. */
  readonly format: string;
  /** Given every value, oldest first. What it throws ends the opening. */
  readonly replay: (value: unknown) => void;
  readonly onRepair?: OnRepair | undefined;
  /** How long another writer is waited for, in ms. */
  readonly lockWaitMs: number;
  /**
   * If given, a file that holds less than was acknowledged is opened all the same. The value that it returns, if any, is
   * written before the record beside the file says again that all is there.
   */
  readonly begin?: (continuity: Continuity) => unknown;
}

/**
 * Whether the journal holds all that was acknowledged. `new`: it was made now. `whole`: it does. `moved`: it does, but is
 * another file than then: restored or copied. `unknown`: there is no record of it, or it does not.
 */
export type Continuity = 'new' | 'whole' | 'moved' | 'unknown';

/** The open file. */
export interface State extends Reading {
  readonly handle: FileHandle;
  readonly compacted: number;
  readonly inode: string;
}

/**
 * Opens the file of a journal for reading and writing; `undefined` if there is none, or an empty one. One that others may
 * read or write is set to mode 0600. Removes what a crash left beside it.
 */
async function openFile(path: string): Promise<FileHandle | undefined> {
  await rm(`${path}.tmp`, { force: true });
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDWR);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new FileStoreError('EFOREIGN', `${path} is not a file`); // a device would be replaced
    if (process.platform !== 'win32' && stats.mode & 0o077) await file.chmod(0o600);
    if (stats.size > 0) return file;
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
  await file.close();
  return undefined;
}

/** Number and birth of the inode: a file system gives the number of a removed file to the next one. */
async function inodeOf(file: FileHandle): Promise<string> {
  const { ino, birthtimeNs } = await file.stat({ bigint: true });
  return `${ino}-${birthtimeNs}`;
}

/** The JSON texts of a line as one. */
export const listOf = (texts: readonly string[]): string => `[${texts.join(',')}]`;

/** What is in the file, or a file with nothing in it where there is none. */
export async function readOrMake(
  options: JournalOptions,
  journalHead: JournalHead,
): Promise<{ state: State; continuity: Continuity }> {
  const { path, format, begin } = options;
  const [head, handle] = [await journalHead.read(), await openFile(path)];
  if (!handle) {
    if (head && !begin) throw lost(path, `is empty or missing, though ${head.size} bytes were acknowledged`);
    return { state: await makeFile(path, format, []), continuity: head ? 'unknown' : 'new' };
  }
  try {
    const reading = readJournal(await handle.readFile(), { ...options, head });
    if (reading.loss !== undefined && !begin) throw lost(path, reading.loss);
    const inode = await inodeOf(handle);
    const isWhole = head !== undefined && reading.loss === undefined;
    const isMoved = head?.file === reading.file && head.inode !== inode;
    const compacted = head?.file === reading.file ? head.compacted : 0;
    return {
      state: { ...reading, handle, compacted, inode },
      continuity: isWhole ? (isMoved ? 'moved' : 'whole') : 'unknown',
    };
  } catch (error) {
    await handle.close().catch(() => {});
    throw error;
  }
}

/** Puts a file with these lines of JSON texts in the place of `path`. */
export async function makeFile(
  path: string,
  format: string,
  lines: Iterable<readonly string[]>,
  follows?: string,
): Promise<State> {
  const header: Header = {
    format,
    version: 1,
    id: randomBytes(8).toString('hex'),
    ...(follows === undefined ? {} : { follows }),
  };
  const first = encodeLine('', JSON.stringify(header));
  let { sum } = first;
  function* content(): Iterable<string> {
    yield `${first.text}\n`;
    for (const texts of lines) {
      const line = encodeLine(sum, listOf(texts));
      sum = line.sum;
      yield `${line.text}\n`;
    }
  }
  const [handle, size] = await replaceFile(path, content());
  const inode = await inodeOf(handle);
  return { handle, file: first.sum, size, sum, compacted: size, inode };
}
