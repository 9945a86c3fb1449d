import { readFile, stat } from 'node:fs/promises';
import { makeFolder } from '@private.me/xlink/file';
import { Failure } from '../failures.js';
import { UsageError } from '../run.js';

/** Modes mean nothing on Windows. */
const hasModes = process.platform !== 'win32';

/** Whether others than the owner may do what these bits say; false where there is nothing. */
export async function isOpenTo(path: string, bits: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return hasModes && found !== undefined && (found.mode & bits) !== 0;
}

/** Throws `KEY_FILE_OPEN` for a secret that others can read or write. */
export async function assertSecret(path: string): Promise<void> {
  if (await isOpenTo(path, 0o077)) throw new Failure('KEY_FILE_OPEN', path);
}

/** Throws `WRITABLE_BY_OTHERS` for a folder or file that others can change: they could put keys of their own there. */
export async function assertOwn(path: string): Promise<void> {
  if (await isOpenTo(path, 0o022)) throw new Failure('WRITABLE_BY_OTHERS', path);
}

/** The text of a file that an option names, which holds a secret. Throws a `UsageError` where it cannot be read, and `KEY_FILE_OPEN`. */
export async function secretIn(option: string, path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as { code?: string };
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new UsageError(`--${option} ${path}: ${why}`);
  }
  await assertSecret(path);
  return text;
}

/** Makes a folder and those above it. Throws `NO_PLACE` where none can be made. */
export async function makePlace(path: string, mode = 0o700): Promise<void> {
  try {
    await makeFolder(path, mode);
  } catch (cause) {
    const { code } = cause as { code?: string };
    throw code === 'ENOENT' || code === 'ENOTDIR' ? new Failure('NO_PLACE', path, { cause }) : cause;
  }
}
