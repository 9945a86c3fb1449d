import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Identity } from '../../identity/identity.js';
import { createFile, realPathOf } from './durable-file.js';

/**
 * The identity in a PKCS#8 file with mode 0600, made if it is not there. Version 2. A crash leaves a whole file or none, and
 * of several processes that start at once all take the same identity. Rejects with `INVALID_PKCS8` for a file of another kind.
 */
export async function identityFromFile(path: string): Promise<Identity> {
  try {
    return await read(path);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
  }
  const identity = await Identity.fromSeed(new Uint8Array(randomBytes(32)));
  return (await createFile(await realPathOf(path), identity.exportPKCS8())) ? identity : read(path);
}

const read = async (path: string): Promise<Identity> =>
  Identity.fromPKCS8(new Uint8Array(await readFile(path)));
