import { randomBytes } from 'node:crypto';
import { link, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '@private.me/xlink/file';
import { X0xError } from '../errors.js';

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
  return isOpenTo(path, 0o077);
}

/** Throws `KEY_FILE_EXPOSED` if other users may write a file or folder, or own it: what they put there would be believed. */
export async function assertUnshared(path: string): Promise<void> {
  if (!(await isOpenTo(path, 0o022))) return;
  const field = basename(path);
  const hint = `Others may write ${field}, or own it: chown it to the user of this process, and chmod go-w it.`;
  throw new X0xError('KEY_FILE_EXPOSED', { field, hint });
}

async function isOpenTo(path: string, bits: number): Promise<boolean> {
  const user = process.getuid?.();
  if (user === undefined) return false;
  const { mode, uid } = await stat(path);
  return (mode & bits) !== 0 || (uid !== user && uid !== 0);
}

/** Removes drafts of files that a process left behind that was killed. Only for who has the folder to itself. */
export async function removeDrafts(folder: string): Promise<void> {
  const drafts = (await readdir(folder)).filter((name) => /^\..+\.[0-9a-f]{12}\.tmp$/.test(name));
  await Promise.all(drafts.map((name) => rm(join(folder, name), { force: true })));
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
