import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { assertOwn, assertSecret } from './secret-file.js';

/** Throws `WRITABLE_BY_OTHERS` for a data folder, or what is in it, that others can change; `KEY_FILE_OPEN` for an identity that they can read. */
export async function assertData(folder: string, identityFile: string): Promise<void> {
  await assertOwn(folder);
  await assertSecret(identityFile);
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isFile() || entry.isDirectory()) await assertOwn(join(folder, entry.name));
}
