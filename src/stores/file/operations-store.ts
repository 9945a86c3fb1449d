import { isOfKind, type OperationsStore, type StoredDocument } from '../../adapters/operations/store.js';
import { KeyedMutex } from '../../util/keyed-mutex.js';
import { checkOptions } from '../../util/options.js';
import { DEFAULT_LOCK_WAIT_MS, FILE_OPTION_CHECKS, type FileStoreOptions } from './file-options.js';
import { JournalQueue } from './journal-queue.js';

/** What a line of the file says: a document as it is from there on, or that it is gone. */
type Line = StoredDocument | { readonly id: string; readonly removed: true };

/**
 * Invitations, and how keys are used, in one file, for an API of a single process. A change is on the disk before it is
 * acknowledged. One process has the file open at a time: in an overlapping deploy the new one waits for the old one
 * (`lockWaitMs`). With several processes use `RedisOperationsStore` or `PostgresOperationsStore`.
 */
export class FileOperationsStore implements OperationsStore {
  #documents = new Map<string, StoredDocument>();
  readonly #queue: JournalQueue;
  readonly #mutex = new KeyedMutex<FileOperationsStore>();

  /** The file is opened in the background. Throws `INVALID_OPTION`. */
  constructor(path: string, options: Omit<FileStoreOptions, 'path'> = {}) {
    checkOptions('FileOperationsStore', { ...options, path }, FILE_OPTION_CHECKS);
    this.#queue = new JournalQueue({
      path,
      format: 'xlink-operations',
      onRepair: options.onRepair,
      lockWaitMs: options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS,
      reset: () => {
        this.#documents = new Map();
      },
      replay: (value) => this.#apply(lineFrom(value)),
      snapshot: () => this.#documents.values(),
    });
  }

  /** Rejects with a `FileStoreError` if the file is locked by another process, damaged, or of another kind. */
  load(id: string): Promise<StoredDocument | undefined> {
    return this.#run(async () => this.#documents.get(id));
  }

  list(kind: string): Promise<readonly StoredDocument[]> {
    return this.#run(async () => [...this.#documents.values()].filter(({ id }) => isOfKind(id, kind)));
  }

  save(id: string, json: string, expectedVersion: number): Promise<boolean> {
    return this.#run(() => this.#change(id, expectedVersion, { id, json, version: expectedVersion + 1 }));
  }

  remove(id: string, expectedVersion: number): Promise<boolean> {
    return this.#run(() => this.#change(id, expectedVersion, { id, removed: true }));
  }

  /** Lets another process have the file. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    return this.#mutex.run(this, async () => {
      await this.#queue.refresh();
      return work();
    });
  }

  async #change(id: string, expectedVersion: number, line: Line): Promise<boolean> {
    if ((this.#documents.get(id)?.version ?? 0) !== expectedVersion) return false;
    await this.#queue.write(line, () => this.#apply(line));
    return true;
  }

  #apply(line: Line): void {
    if ('removed' in line) this.#documents.delete(line.id);
    else this.#documents.set(line.id, line);
  }
}

function lineFrom(value: unknown): Line {
  const { id, json, version, removed } = value as Record<string, unknown>;
  if (typeof id !== 'string') throw new TypeError('a document has no name');
  if (removed === true) return { id, removed };
  if (typeof json !== 'string' || !Number.isSafeInteger(version))
    throw new TypeError('a document is not whole');
  return { id, json, version: version as number };
}
