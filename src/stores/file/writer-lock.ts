import { randomBytes } from 'node:crypto';
import { link, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { FileStoreError } from './file-store-error.js';
import { assertGone, myself } from './lock-holder.js';

/** How often a lock is looked at while it is waited for. */
const LOOK_AGAIN_MS = 50;

/**
 * Keeps a second writer away from a file, in this process or another one on this machine. Nothing has to be cleaned up
 * after a crash: the lock of a process that is gone is taken over.
 *
 * A lock is a file beside `path` whose name ends in a number. Who takes over makes the next number (a link fails if the
 * name exists, so one of many succeeds) and then removes the lower ones. The highest number is never removed, so it only
 * rises, and a process that acts on an old view of the folder makes a number that is taken, or finds a higher one and steps back.
 */
export class WriterLock {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Rejects with `ELOCKED` if another writer lives, or may live (a lock that was made on another host), for longer than
   * `waitMs`.
   */
  static async acquire(path: string, waitMs = 0): Promise<WriterLock> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      try {
        return await WriterLock.#tryAcquire(path);
      } catch (error) {
        const isLocked = error instanceof FileStoreError && error.code === 'ELOCKED';
        if (!isLocked || performance.now() >= deadline) throw error;
        await pause(LOOK_AGAIN_MS);
      }
    }
  }

  static async #tryAcquire(path: string): Promise<WriterLock> {
    const temporary = `${path}.lock-${process.pid}-${randomBytes(8).toString('hex')}.tmp`;
    try {
      for (;;) {
        const highest = (await numbersOf(path)).at(-1) ?? 0;
        if (highest > 0) await assertGone(nameOf(path, highest));
        await writeFile(temporary, JSON.stringify(myself()), { mode: 0o600 });
        if (!(await linked(temporary, nameOf(path, highest + 1)))) continue;
        const others = await numbersOf(path);
        if (others.at(-1) === highest + 1) {
          await removeLeftovers(path, others.slice(0, -1));
          return new WriterLock(nameOf(path, highest + 1));
        }
        await rm(nameOf(path, highest + 1), { force: true });
      }
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Lets the next writer in. The file of the lock stays, empty: that needs no room on a full disk. */
  async release(): Promise<void> {
    await truncate(this.#path).catch(() => {}); // then the end of this process is what releases it
  }
}

const nameOf = (path: string, number: number): string => `${path}.lock-${number}`;

/** Numbers of the locks there are, lowest first. */
async function numbersOf(path: string): Promise<number[]> {
  const prefix = `${basename(path)}.lock-`;
  const names = (await readdir(dirname(path))).filter((name) => name.startsWith(prefix));
  const numbers = names
    .map((name) => name.slice(prefix.length))
    .filter((rest) => /^[1-9]\d{0,14}$/.test(rest));
  return numbers.map(Number).sort((a, b) => a - b);
}

/** Whether the lock is ours; another process may have been faster, or have tidied our temporary file away. */
async function linked(temporary: string, name: string): Promise<boolean> {
  try {
    await link(temporary, name);
    return true;
  } catch (error) {
    if (['EEXIST', 'ENOENT'].includes((error as { code?: string }).code ?? '')) return false;
    throw error;
  }
}

async function removeLeftovers(path: string, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) await rm(nameOf(path, number), { force: true });
  const leftover = /^\.lock-[\d-]+[0-9a-f]*\.tmp$/;
  for (const name of await readdir(dirname(path)))
    if (name.startsWith(basename(path)) && leftover.test(name.slice(basename(path).length)))
      await rm(join(dirname(path), name), { force: true });
}
