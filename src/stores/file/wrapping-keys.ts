import { createHash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { WrappingKeyStore } from '../../identity/key-store.js';
import { isWrappingKeyId, parseWrappingKey, wrappingKeyText } from '../../identity/stored-epochs.js';
import { checkOptions, integerIn, isString } from '../../util/options.js';
import { realPathOf, syncFolderOf, writeAt } from './durable-file.js';
import { DEFAULT_LOCK_WAIT_MS } from './file-options.js';
import { FileStoreError } from './file-store-error.js';
import { keyStoreFailure } from './key-store-failure.js';
import { createPrivateFile } from './private-file.js';
import { WriterLock } from './writer-lock.js';

const HEAD = Buffer.from('{"xlink-wrapping-keys":1}\n');
/** `id`, key and sum, filled up with spaces: a slot is written over where it stands, so no older copy of it is left in the file. */
const SLOT_BYTES = 160;
const EMPTY_SLOT = Buffer.from(`${' '.repeat(SLOT_BYTES - 1)}\n`);

/** Options of {@link FileWrappingKeyStore}. */
export interface FileWrappingKeyStoreOptions {
  /** How long a change waits for another process to be done with its own, in ms, 0 to 600 000. Default 10 000. */
  readonly lockWaitMs?: number;
}

interface Slot {
  readonly id: string;
  readonly key: string;
  readonly at: number;
}

/**
 * Wrapping keys in a file of their own, which all instances on one machine may share: put it on another volume than what the keys
 * wrap, and in no backup. A key that is destroyed is overwritten where it stands, and the disk has that before it is acknowledged. Copies below
 * the file are not reached: snapshots, file systems that copy on write (btrfs, ZFS), worn cells of an SSD.
 */
export class FileWrappingKeyStore implements WrappingKeyStore {
  readonly #path: string;
  readonly #lockWaitMs: number;

  /** The file is made at the first `put`, with mode 0600, its folder with 0700. Throws `INVALID_OPTION`. */
  constructor(path: string, options: FileWrappingKeyStoreOptions = {}) {
    checkOptions(
      'FileWrappingKeyStore',
      { ...options, path },
      { path: isString, lockWaitMs: integerIn(0, 600_000) },
    );
    this.#path = path;
    this.#lockWaitMs = options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS;
  }

  put(id: string, key: Uint8Array): Promise<void> {
    return this.#change(async (file, slots, free) => {
      if (slots.some((slot) => slot.id === id)) throw new Error('there is a wrapping key of this name');
      await writeAt(file, slotOf(id, wrappingKeyText(key)), free);
      await file.sync();
    });
  }

  get(id: string): Promise<Uint8Array | undefined> {
    return this.#read(async (slots) => {
      const slot = slots.find((one) => one.id === id);
      return slot && parseWrappingKey(slot.key);
    });
  }

  destroy(id: string): Promise<void> {
    return this.#change(async (file, slots) => {
      for (const slot of slots.filter((one) => one.id === id)) await writeAt(file, EMPTY_SLOT, slot.at);
      await file.sync();
    });
  }

  ids(): Promise<readonly string[]> {
    return this.#read(async (slots) => slots.map(({ id }) => id));
  }

  async #read<T>(use: (slots: readonly Slot[]) => Promise<T>): Promise<T> {
    return keyStoreFailure(async () => {
      const path = await realPathOf(this.#path);
      if (!(await exists(path))) return use([]);
      const file = await open(path, 'r');
      try {
        return await use((await slotsIn(file, path)).slots);
      } finally {
        await file.close();
      }
    });
  }

  /** One change at a time, also of several processes. */
  #change(make: (file: FileHandle, slots: readonly Slot[], free: number) => Promise<void>): Promise<void> {
    return keyStoreFailure(async () => {
      const path = await realPathOf(this.#path);
      const lock = await WriterLock.acquire(path, this.#lockWaitMs);
      try {
        if (!(await exists(path))) await createPrivateFile(path, HEAD);
        const file = await open(path, 'r+');
        try {
          const { slots, free } = await slotsIn(file, path);
          await make(file, slots, free);
        } finally {
          await file.close();
        }
        await syncFolderOf(path);
      } finally {
        await lock.release();
      }
    });
  }
}

/** All keys, and where the next one goes. What a crash left half written was never acknowledged, and is written over first. */
async function slotsIn(file: FileHandle, path: string): Promise<{ slots: Slot[]; free: number }> {
  const bytes = await file.readFile();
  if (!bytes.subarray(0, HEAD.length).equals(HEAD))
    throw new FileStoreError('EFOREIGN', `${path} is no file of wrapping keys, or its first line is damaged`);
  const slots: Slot[] = [];
  let free: number | undefined;
  let at = HEAD.length;
  for (; at < bytes.length; at += SLOT_BYTES) {
    const text = bytes.toString('latin1', at, at + SLOT_BYTES);
    const [id, key, sum] = text.split(' ');
    if (isWrappingKeyId(id) && key !== undefined && sum === sumOf(id, key)) slots.push({ id, key, at });
    else free ??= at;
  }
  return { slots, free: free ?? at };
}

/** Finds damage, not forgery. */
const sumOf = (id: string, key: string): string =>
  createHash('sha256').update(`${id} ${key}`).digest('base64url').slice(0, 8);

const slotOf = (id: string, key: string): Buffer =>
  Buffer.from(`${`${id} ${key} ${sumOf(id, key)} `.padEnd(SLOT_BYTES - 1)}\n`);

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return false;
    throw error;
  }
}
