import { randomBytes, randomUUID } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '@private.me/xlink/file';
import { XfuseError } from '../errors.js';
import { FileExposed, readOwnFile } from '../util/own-file.js';
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
  try {
    const bytes = await readOwnFile(path, 65_536);
    return sealing ? await sealing.unseal(bytes) : bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof FileExposed) throw new XfuseError('KEY_FILE_EXPOSED');
    throw error;
  }
}

/** Of several first uses at the same time one makes the key, and the others read it. */
async function make(path: string, sealing: KeySealing | undefined): Promise<Uint8Array> {
  await makeFolder(dirname(path));
  const key = new Uint8Array(randomBytes(32));
  const content = sealing ? await sealing.seal(key) : key;
  const draft = join(dirname(path), `.${randomUUID()}`);
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path);
    return key;
  } catch (error) {
    const made = (error as NodeJS.ErrnoException).code === 'EEXIST' ? await read(path, sealing) : undefined;
    if (!made) throw error;
    return made;
  } finally {
    await rm(draft, { force: true });
  }
}
