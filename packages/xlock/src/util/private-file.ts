import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '@private.me/xlink/file';

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

/** The bytes of a file; `undefined` if there is none. */
export async function bytesIn(path: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether other users may read it, or own it. Windows has no such bits. */
export async function isExposed(path: string): Promise<boolean> {
  const user = process.getuid?.();
  if (user === undefined) return false;
  const { mode, uid } = await stat(path);
  return (mode & 0o077) !== 0 || (uid !== user && uid !== 0);
}

/** Replaces a file as a whole, with mode 0600; a crash leaves the old one or the new one. */
export async function replaceFile(path: string, bytes: Uint8Array | string): Promise<void> {
  const draft = await writeDraft(path, bytes);
  try {
    await rename(draft, path);
    await syncFolder(path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** Makes a file as a whole, with mode 0600; `false` if there is one. */
export async function createFile(path: string, bytes: Uint8Array | string): Promise<boolean> {
  const draft = await writeDraft(path, bytes);
  try {
    await link(draft, path);
    await syncFolder(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeDraft(path: string, bytes: Uint8Array | string): Promise<string> {
  await makeFolder(dirname(path));
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  return draft;
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
