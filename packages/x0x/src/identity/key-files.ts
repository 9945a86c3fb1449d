import { join } from 'node:path';
import { bytesOfFile, createPrivateFile, isSharedFile } from '@private.me/xlink/file';
import { isX0xError, X0xError } from '../errors.js';
import { decodeKeyFile, encodeKeyFile, type KeyFile } from '../layouts/key-file.js';
import type { X0xKeyPair } from './key-pair.js';

/** The keys of one kind in an identity directory. */
export type KeyName = 'machine' | 'agent' | 'user';

export const keyPath = (identityDir: string, name: KeyName): string => join(identityDir, `${name}.key`);

/** The keys in a file; `undefined` if there is none. Throws `KEY_FILE_…` for one that is damaged, or that others may read. */
export async function readKeyFile(path: string): Promise<KeyFile | undefined> {
  const file = await told(path, () => bytesOfFile(path));
  if (!file) return undefined;
  if (await told(path, () => isSharedFile(path)))
    throw new X0xError('KEY_FILE_EXPOSED', { field: nameOf(path) });
  try {
    return decodeKeyFile(file);
  } catch (error) {
    throw isX0xError(error) ? new X0xError(error.id, { field: nameOf(path), cause: error.cause }) : error;
  }
}

/**
 * The keys in a file; those that `make` returns, if there is none. Of several processes that start at once all get the same. Throws
 * `KEY_FILE_…`; `KEY_FILE_UNREADABLE` for a link that leads nowhere, too.
 */
export async function keysFromFile(
  path: string,
  make: () => X0xKeyPair | Promise<X0xKeyPair>,
): Promise<X0xKeyPair> {
  const kept = await readKeyFile(path);
  if (kept) return kept.keys;
  const keys = await make();
  if (await told(path, () => createPrivateFile(path, encodeKeyFile(keys)))) return keys;
  const theirs = await readKeyFile(path);
  if (theirs) return theirs.keys;
  throw new X0xError('KEY_FILE_UNREADABLE', {
    field: nameOf(path),
    hint: 'Is it a link that leads nowhere?',
  });
}

const nameOf = (path: string): string => path.split(/[\\/]/).at(-1)!;

async function told<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new X0xError('KEY_FILE_UNREADABLE', { field: nameOf(path), cause });
  }
}
