import { type FileHandle, lstat, open, readlink, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { makeFolder } from './make-folder.js';

const isMissing = (error: unknown): boolean => (error as { code?: string }).code === 'ENOENT';

/** Writes all of the bytes at a position: a single `write` may take fewer than it was given. */
export async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw new Error('the disk takes nothing'); // or this would never end
    done += bytesWritten;
  }
}

/** Makes names in a folder durable: a new or renamed file is in it after a power cut. Windows cannot, and need not. */
export async function syncFolderOf(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Where a file is, or will be: links are followed, also one that leads to nothing yet, so that the file itself is locked
 * and replaced under whichever name it was given. Makes its folder, with mode 0700.
 */
export async function realPathOf(name: string): Promise<string> {
  const path = resolve(name);
  const first = await makeFolder(dirname(path));
  for (let made = dirname(path); first !== undefined && made.length >= first.length; made = dirname(made))
    await syncFolderOf(made);
  try {
    return await realpath(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const here = join(await realpath(dirname(path)), basename(path));
  const target = await lstat(here).catch((error) => {
    if (!isMissing(error)) throw error;
  });
  return target?.isSymbolicLink() ? realPathOf(resolve(dirname(here), await readlink(here))) : here;
}

/**
 * Puts a file with this content in the place of `path`: after a crash there is the old one or the new one, whole. The
 * new one, open for reading and writing, is returned; its name is durable after {@link syncFolderOf}.
 */
export async function replaceFile(path: string, content: Iterable<string>): Promise<[FileHandle, number]> {
  const temporary = `${path}.tmp`;
  await rm(temporary, { force: true }); // left by a crash
  const file = await open(temporary, 'wx+', 0o600);
  try {
    let size = 0;
    for (const part of inParts(content)) {
      const bytes = Buffer.from(part);
      await writeAt(file, bytes, size);
      size += bytes.length;
    }
    await file.sync();
    await rename(temporary, path);
    return [file, size];
  } catch (error) {
    await file.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {}); // what matters is the error above
    throw error;
  }
}

/** Fewer and larger pieces, so that there is one write for many lines. */
function* inParts(content: Iterable<string>): Iterable<string> {
  let part = '';
  for (const text of content) {
    part += text;
    if (part.length < 1 << 20) continue;
    yield part;
    part = '';
  }
  yield part;
}
