import { randomBytes } from 'node:crypto';
import { createPrivateFile } from '@private.me/xlink/file';
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
  const key = new Uint8Array(randomBytes(32));
  if (await createPrivateFile(path, sealing ? await sealing.seal(key) : key)) return key;
  const made = await read(path, sealing);
  if (!made) throw new Error('the file was removed meanwhile');
  return made;
}
