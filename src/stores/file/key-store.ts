import { basename, dirname, join, resolve } from 'node:path';
import {
  isWrappingKeyStore,
  type KeyStore,
  type StoredEpochs,
  type WrappingKeyStore,
} from '../../identity/key-store.js';
import { parseStoredEpochs } from '../../identity/stored-epochs.js';
import { KeyedMutex } from '../../util/keyed-mutex.js';
import { checkOptions } from '../../util/options.js';
import { DEFAULT_LOCK_WAIT_MS, FILE_OPTION_CHECKS, type FileStoreOptions } from './file-options.js';
import { JournalQueue } from './journal-queue.js';
import { keyStoreFailure } from './key-store-failure.js';
import { FileWrappingKeyStore } from './wrapping-keys.js';

/** Options of {@link FileKeyStore}. */
export interface FileKeyStoreOptions extends Omit<FileStoreOptions, 'path'> {
  /**
   * Where the wrapping keys are: another place than the file, that no backup of it holds. Default: a {@link FileWrappingKeyStore} in the
   * folder `wrapping-keys` beside the file, under the same name.
   */
  readonly wrappingKeys?: WrappingKeyStore;
}

interface Stored {
  readonly value: StoredEpochs;
  readonly version: number;
}

/**
 * Encryption keys by epoch in one file, for an API of a single process. What is in it opens nothing without the seed and the
 * wrapping keys, which lie elsewhere. A change is on the disk before it is acknowledged. One process has the file open at a time: in an
 * overlapping deploy the new one waits for the old one (`lockWaitMs`). With several processes use a store in a database.
 */
export class FileKeyStore implements KeyStore {
  readonly wrappingKeys: WrappingKeyStore;
  readonly #queue: JournalQueue;
  readonly #mutex = new KeyedMutex<FileKeyStore>();
  #stored: Stored | undefined;

  /** The file is opened in the background. Throws `INVALID_OPTION`. */
  constructor(path: string, options: FileKeyStoreOptions = {}) {
    checkOptions(
      'FileKeyStore',
      { ...options, path },
      { ...FILE_OPTION_CHECKS, wrappingKeys: isWrappingKeyStore },
    );
    const { onRepair, lockWaitMs = DEFAULT_LOCK_WAIT_MS, wrappingKeys } = options;
    this.wrappingKeys = wrappingKeys ?? new FileWrappingKeyStore(besideOf(path), { lockWaitMs });
    this.#queue = new JournalQueue({
      path,
      format: 'xlink-keys',
      onRepair,
      lockWaitMs,
      reset: () => {
        this.#stored = undefined;
      },
      replay: (value) => {
        this.#stored = storedFrom(value);
      },
      snapshot: () => (this.#stored ? [this.#stored] : []),
    });
  }

  /** Rejects with `KEY_STORE_DAMAGED`, `KEY_STORE_ROLLED_BACK` for a file that holds less than was acknowledged, or `KEY_STORE_UNAVAILABLE`. */
  load(): Promise<Stored | undefined> {
    return this.#locked(async () => this.#stored);
  }

  save(value: StoredEpochs, expectedVersion: number): Promise<boolean> {
    return this.#locked(async () => {
      if ((this.#stored?.version ?? 0) !== expectedVersion) return false;
      const next = storedFrom({ value, version: expectedVersion + 1 });
      await this.#queue.write(next, () => {
        this.#stored = next;
      });
      return true;
    });
  }

  /** Lets another process have the file. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  /** A file that was put in the place of the one before is read. */
  #locked<T>(work: () => Promise<T>): Promise<T> {
    return this.#mutex.run(this, () =>
      keyStoreFailure(async () => {
        await this.#queue.refresh();
        return work();
      }),
    );
  }
}

const besideOf = (path: string): string => join(dirname(resolve(path)), 'wrapping-keys', basename(path));

function storedFrom(stored: unknown): Stored {
  const { value, version } = stored as Stored;
  if (!Number.isSafeInteger(version)) throw new TypeError('a value has no version');
  return { value: parseStoredEpochs(JSON.stringify(value)), version };
}
