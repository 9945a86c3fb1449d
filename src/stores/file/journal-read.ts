import { FileStoreError } from './file-store-error.js';
import type { Head } from './journal-head.js';
import { decodeLine } from './journal-line.js';

/** What the first line of a journal says. */
export interface Header {
  readonly format: string;
  readonly version: 1;
  /** Random: no two files begin alike, so lines of one fit into no other. */
  readonly id: string;
  /** Sum of the last line of the file in whose place this one was put. */
  readonly follows?: string;
}

export interface Reading {
  /** Sum of the first line. */
  readonly file: string;
  /** Bytes of whole lines, and the sum of the last of them. */
  readonly size: number;
  readonly sum: string;
  /** Why it holds less than was acknowledged, if it does. */
  readonly loss?: string;
}

export interface ReadOptions {
  readonly path: string;
  readonly format: string;
  readonly head: Head | undefined;
  /** Given every value, oldest first. What it throws counts as damage. */
  readonly replay: (value: unknown) => void;
}

const NEWLINE = 0x0a;

/**
 * Reads a journal from its first line to its last. A last line that is not whole, and was never acknowledged, is left out:
 * a crash left it. Throws `EFOREIGN` or `EDAMAGED` for anything else that is not a whole line in its place.
 */
export function readJournal(bytes: Buffer, { path, format, head, replay }: ReadOptions): Reading {
  let at = 0;
  const nextLine = (previous: string) => {
    const end = bytes.indexOf(NEWLINE, at);
    const line = end === -1 ? undefined : decodeLine(previous, bytes.toString('utf8', at, end));
    return { ...line, end: end === -1 ? bytes.length : end + 1 };
  };

  const first = nextLine('');
  const header = first.value as Partial<Header> | undefined;
  if (header?.format !== format || header.version !== 1 || first.sum === undefined)
    throw foreign(path, format);
  const file = first.sum;
  let sum = file;
  at = first.end;
  const isAcknowledged = () => head?.file === file && head.size === at && head.sum === sum;
  let holdsAll = isAcknowledged() || (head !== undefined && head.sum === header.follows);

  for (let number = 2; at < bytes.length; number++) {
    const { value, sum: next, end } = nextLine(sum);
    if (next === undefined) {
      const wasAcknowledged = head?.file === file && at < head.size && head.size <= bytes.length;
      if (end < bytes.length || wasAcknowledged) throw damaged(path, number);
      break;
    }
    try {
      for (const each of value as Iterable<unknown>) replay(each);
    } catch (cause) {
      throw damaged(path, number, cause);
    }
    [at, sum] = [end, next];
    holdsAll ||= isAcknowledged();
  }
  const reading = { file, size: at, sum };
  if (!head || holdsAll) return reading;
  const loss =
    head.file === file
      ? `holds ${at} of the ${head.size} bytes that were acknowledged`
      : 'is not the file that was written to last, but an older copy or another one';
  return { ...reading, loss };
}

const RESTORE = 'Nothing was changed. Restore it from a backup together with its .head file';

const foreign = (path: string, format: string): FileStoreError =>
  new FileStoreError(
    'EFOREIGN',
    `${path} is not a file of kind ${format}, or its first line is damaged. Nothing was changed. Use another path, or move it away to begin anew`,
  );

const damaged = (path: string, line: number, cause?: unknown): FileStoreError =>
  new FileStoreError(
    'EDAMAGED',
    `${path}: line ${line} is damaged. ${RESTORE}, or move both away to begin anew`,
    cause === undefined ? undefined : { cause },
  );

/** The journal `path` holds less than was acknowledged. */
export const lost = (path: string, loss: string): FileStoreError =>
  new FileStoreError(
    'ELOST',
    `${path} ${loss}. ${RESTORE}, or remove ${path}.head to go on with what is there`,
  );
