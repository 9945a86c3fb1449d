import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { Identity } from '../../identity/identity.js';
import { syncFolderOf } from './durable-file.js';

/**
 * The identity in a PKCS#8 file with mode 0600, made if it is not there. Version 2. Rejects with `INVALID_PKCS8` for a file
 * of another kind.
 */
export async function identityFromFile(path: string): Promise<Identity> {
  try {
    return await Identity.fromPKCS8(new Uint8Array(await readFile(path)));
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
  }
  const identity = await Identity.fromSeed(new Uint8Array(randomBytes(32)));
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(identity.exportPKCS8());
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolderOf(path);
  return identity;
}
