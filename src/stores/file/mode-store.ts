import {
  type ModeState,
  type ModeStore,
  parseModeState,
  type StoredMode,
} from '../../adapters/modes/store.js';
import { KeyedMutex } from '../../util/keyed-mutex.js';
import { checkOptions } from '../../util/options.js';
import { tell } from '../../util/tell.js';
import { DEFAULT_LOCK_WAIT_MS, FILE_OPTION_CHECKS, type FileStoreOptions } from './file-options.js';
import { JournalQueue } from './journal-queue.js';

/**
 * The shared mode in one file, for an API of a single process: the mode and the way of a plan survive a restart. A change
 * is on the disk before it is acknowledged. One process has the file open at a time: in an overlapping deploy the new one
 * waits for the old one (`lockWaitMs`). With several processes use `RedisModeStore` or `PostgresModeStore`.
 */
export class FileModeStore implements ModeStore {
  #state: StoredMode | undefined;
  readonly #queue: JournalQueue;
  readonly #mutex = new KeyedMutex<FileModeStore>();
  readonly #listeners = new Set<() => void>();

  /** The file is opened in the background. Throws `INVALID_OPTION`. */
  constructor(path: string, options: Omit<FileStoreOptions, 'path'> = {}) {
    checkOptions('FileModeStore', { ...options, path }, FILE_OPTION_CHECKS);
    this.#queue = new JournalQueue({
      path,
      format: 'xlink-mode',
      onRepair: options.onRepair,
      lockWaitMs: options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS,
      reset: () => {
        this.#state = undefined;
      },
      replay: (value) => {
        this.#state = storedModeFrom(value);
      },
      snapshot: () => (this.#state ? [this.#state] : []),
    });
  }

  /**
   * Rejects with a `FileStoreError` if the file is locked by another process, damaged, of another kind, or holds less than
   * was acknowledged; a later call tries again. A file that was put in the place of the one before is read.
   */
  load(): Promise<StoredMode | undefined> {
    return this.#mutex.run(this, async () => {
      await this.#queue.refresh();
      return this.#state;
    });
  }

  save(state: ModeState, expectedVersion: number): Promise<boolean> {
    return this.#mutex.run(this, async () => {
      await this.#queue.refresh();
      const version = this.#state?.version ?? 0;
      if (version !== expectedVersion) return false;
      const next = storedModeFrom({ ...state, version: version + 1 });
      await this.#queue.write(next, () => {
        this.#state = next;
      });
      for (const listener of this.#listeners) tell(listener);
      return true;
    });
  }

  /** Of changes made through this store. */
  onChange(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Lets another process have the file. */
  close(): Promise<void> {
    return this.#queue.close();
  }
}

function storedModeFrom(value: unknown): StoredMode {
  const { version } = value as StoredMode;
  if (!Number.isSafeInteger(version)) throw new TypeError('a value has no version');
  return { ...parseModeState(JSON.stringify(value)), version };
}
