import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Why a file is not read: others may read or write it, or it is no plain file of this user. */
export class FileExposed extends Error {
  override readonly name = 'FileExposed';
}

/** A file that only its owner may read and write, neither a link nor a pipe, 1 MiB at most. Throws `FileExposed`, or as `open`. */
export async function readOwnFile(path: string, maxBytes: number): Promise<Uint8Array> {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  // A link is not followed, and a pipe not waited for.
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error('not a plain file');
    const isMine = process.getuid === undefined || stat.uid === process.getuid();
    if (process.platform !== 'win32' && ((stat.mode & 0o077) !== 0 || !isMine)) throw new FileExposed(path);
    if (stat.size > maxBytes) throw new Error('too large');
    return new Uint8Array(await file.readFile());
  } finally {
    await file.close();
  }
}
