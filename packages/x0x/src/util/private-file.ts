import { basename } from 'node:path';
import { isSharedFile } from '@private.me/xlink/file';
import { X0xError } from '../errors.js';

/** Permissions of others to write. */
const WRITE_BITS = 0o022;

/** Throws `KEY_FILE_EXPOSED` if other users may write a file or folder, or own it: what they put there would be believed. */
export async function assertUnshared(path: string): Promise<void> {
  if (!(await isSharedFile(path, WRITE_BITS))) return;
  const field = basename(path);
  const hint = `Others may write ${field}, or own it: chown it to the user of this process, and chmod go-w it.`;
  throw new X0xError('KEY_FILE_EXPOSED', { field, hint });
}
