import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '@private.me/xlink/file';
import { XfuseError } from '../errors.js';
import { DeviceSecret } from './device.js';

/** How a key is sealed by the system: DPAPI, Keychain, a TPM, a KMS. */
export interface KeySealing {
  /** 32 bytes to what the file holds. */
  seal(key: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** And back. */
  unseal(sealed: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/**
 * The key of this device, from a file that only its owner may read (mode 0600); made at first use. `sealing` puts it under the key of
 * the system; without it, whoever copies the file has the signal. Rejects with `KEY_FILE_EXPOSED`, `KEY_FILE_UNREADABLE`.
 */
export async function deviceKeyFile(path: string, sealing?: KeySealing): Promise<DeviceSecret> {
  try {
    const key = (await read(path, sealing)) ?? (await make(path, sealing));
    return new DeviceSecret('key-file', key);
  } catch (error) {
    if (error instanceof XfuseError && error.code === 'KEY_FILE_EXPOSED') throw error;
    throw new XfuseError('KEY_FILE_UNREADABLE', { cause: error });
  }
}

async function read(path: string, sealing: KeySealing | undefined): Promise<Uint8Array | undefined> {
  let file: FileHandle;
  try {
    // Neither followed if it is a link nor read if it is no file.
    file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { mode, uid, size } = await file.stat();
    const isMine = process.getuid === undefined || uid === process.getuid();
    if (process.platform !== 'win32' && ((mode & 0o077) !== 0 || !isMine))
      throw new XfuseError('KEY_FILE_EXPOSED');
    if (size > 65_536) throw new Error('too large');
    const bytes = new Uint8Array(await file.readFile());
    return sealing ? await sealing.unseal(bytes) : bytes;
  } finally {
    await file.close();
  }
}

async function make(path: string, sealing: KeySealing | undefined): Promise<Uint8Array> {
  await makeFolder(dirname(path));
  const key = new Uint8Array(randomBytes(32));
  const content = sealing ? await sealing.seal(key) : key;
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  return key;
}
