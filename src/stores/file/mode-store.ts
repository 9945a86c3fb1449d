import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type ModeState,
  type ModeStore,
  parseModeState,
  type StoredMode,
} from '../../adapters/modes/store.js';
import { KeyedMutex } from '../../util/keyed-mutex.js';
import { replaceFile, syncFolderOf } from './durable-file.js';

/**
 * The shared mode in one JSON file, for an API of a single process: the mode and the way of a plan survive a restart. A
 * change is on the disk before it is acknowledged; a crash leaves the old file or the new one. With several processes use
 * `RedisModeStore` or `PostgresModeStore`: nothing keeps two of them from overwriting the file.
 */
export class FileModeStore implements ModeStore {
  readonly #path: string;
  readonly #mutex = new KeyedMutex<string>();
  readonly #listeners = new Set<() => void>();

  /** The file, and its folder if need be, are made with the first change. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Rejects if the file cannot be read, or is something else. */
  async load(): Promise<StoredMode | undefined> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return undefined;
      throw error;
    }
    const { version } = JSON.parse(text) ?? {};
    if (!Number.isSafeInteger(version)) throw new TypeError(`${this.#path} is not a file of FileModeStore`);
    return { ...parseModeState(text), version };
  }

  async save(state: ModeState, expectedVersion: number): Promise<boolean> {
    return this.#mutex.run(this.#path, async () => {
      const version = (await this.load())?.version ?? 0;
      if (version !== expectedVersion) return false;
      await mkdir(dirname(this.#path), { recursive: true });
      const [file] = await replaceFile(this.#path, [JSON.stringify({ version: version + 1, ...state })]);
      await file.close();
      await syncFolderOf(this.#path);
      for (const listener of this.#listeners) listener();
      return true;
    });
  }

  /** Of changes made through this store. */
  onChange(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }
}
