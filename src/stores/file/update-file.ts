import { KeyedMutex } from '../../util/keyed-mutex.js';
import { realPathOf, replaceFile, syncFolderOf } from './durable-file.js';
import { DEFAULT_LOCK_WAIT_MS } from './file-options.js';
import { bytesOfFile } from './private-file.js';
import { WriterLock } from './writer-lock.js';

/** Within this process nobody has to wait for a lock. */
const turns = new KeyedMutex<string>();

/**
 * Replaces a file, as a whole, by what `change` makes of its content; `undefined` leaves it as it is. One change at a time, of all
 * processes on this machine; it is on the disk when this resolves. Rejects with a `FileStoreError` (`ELOCKED`) after 10 s, or
 * with what `change` rejects with.
 */
export async function updateFile(
  name: string,
  change: (content: string | undefined) => Promise<string | undefined>,
): Promise<void> {
  const path = await realPathOf(name);
  return turns.run(path, async () => {
    const lock = await WriterLock.acquire(path, DEFAULT_LOCK_WAIT_MS);
    try {
      const content = await change((await bytesOfFile(path))?.toString());
      if (content === undefined) return;
      const [file] = await replaceFile(path, [content]);
      await file.close();
      await syncFolderOf(path);
    } finally {
      await lock.release();
    }
  });
}
