import { randomBytes } from 'node:crypto';
import { constants, copyFile, link, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolderOf } from './durable-file.js';
import { makeFolder } from './make-folder.js';

/** Of a file system that has no hard links, such as FAT. */
const NO_LINKS: ReadonlySet<unknown> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

/** What is in a file; `undefined` if there is none. Rejects with the error of the file system. */
export async function bytesOfFile(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Puts a file of mode 0600 in the place of `path`, and waits for the disk: a crash leaves the old one or the new one, whole. Makes
 * the folder, with mode 0700. Links are replaced, not followed. Rejects with the error of the file system.
 */
export async function replacePrivateFile(path: string, content: Uint8Array | string): Promise<void> {
  const draft = await writeDraft(path, content);
  try {
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolderOf(path);
}

/**
 * Makes a file of mode 0600 that is there as a whole or not at all, and waits for the disk; `false`, and nothing written, if there
 * is one: of several processes one makes it. Without hard links, as on FAT, a crash may leave a part of it. Makes the folder, with mode 0700. Rejects with the error of the file system.
 */
export async function createPrivateFile(path: string, content: Uint8Array | string): Promise<boolean> {
  const draft = await writeDraft(path, content);
  try {
    await link(draft, path).catch((error) => {
      if (!NO_LINKS.has(codeOf(error))) throw error;
      return copyFile(draft, path, constants.COPYFILE_EXCL);
    });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolderOf(path);
  return true;
}

/**
 * Whether users other than root and that of this process own a file, or have one of these permissions. `bits`: default 0o077, any;
 * 0o022: to write. Always `false` on Windows, which has no such bits. Rejects with the error of the file system.
 */
export async function isSharedFile(path: string, bits = 0o077): Promise<boolean> {
  const user = process.getuid?.();
  if (user === undefined) return false;
  const { mode, uid } = await stat(path);
  return (mode & bits) !== 0 || (uid !== user && uid !== 0);
}

/**
 * Removes what writes that were interrupted left in a folder. `olderThanMs`: default 3 600 000, which no write takes; 0 is for who
 * has the folder to itself. A folder that is not there has none.
 */
export async function removeDrafts(folder: string, olderThanMs = 3_600_000): Promise<void> {
  const names = await readdir(folder).catch((error) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  const drafts = names
    .filter((name) => /^\..+\.[0-9a-f]{12}\.tmp$/.test(name))
    .map((name) => join(folder, name));
  for (const draft of drafts) {
    const { mtimeMs } = await stat(draft).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (mtimeMs <= Date.now() - olderThanMs) await rm(draft, { force: true });
  }
}

async function writeDraft(path: string, content: Uint8Array | string): Promise<string> {
  await makeFolder(dirname(path));
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return draft;
}
