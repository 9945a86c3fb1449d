import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { link, lstat, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { makePlace } from './secret-file.js';

/** What would be left behind by a process that is ended in the midst of writing. */
const unfinished = new Set<string>();
process.once('exit', () => {
  for (const path of unfinished) rmSync(path, { force: true });
});

export interface WriteOptions {
  /** Default 0600. */
  readonly mode?: number;
  /** Fails with `EEXIST` if there is one. Default `false`: it takes its place, and its mode. */
  readonly isNew?: boolean;
}

/** Writes a file as a whole, or not at all, and waits for the disk: after a crash, a full disk or Ctrl-C there is the old one or the new one. */
export async function writeWhole(
  name: string,
  content: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const path = resolve(name);
  const { isNew = false, mode = (await modeOf(path)) ?? 0o600 } = options;
  await makePlace(dirname(path), 0o777);
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  unfinished.add(temporary);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    if (isNew) await link(temporary, path);
    else await rename(temporary, path);
    await syncFolder(dirname(path));
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
    unfinished.delete(temporary);
  }
}

async function modeOf(path: string): Promise<number | undefined> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() ? (await stat(path)).mode & 0o777 : undefined;
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What is in a file; `undefined`: there is none. */
export async function contentOf(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
}
