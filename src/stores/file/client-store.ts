import { MemoryClientStore } from '../../adapters/clients/memory-store.js';
import type { ClientActivity, ClientRecord, ClientStore } from '../../adapters/clients/store.js';
import type { ClientId, Did } from '../../types/protocol.js';
import { checkOptions } from '../../util/options.js';
import { type ClientChange, changesOf, clientChangeFrom } from './client-change.js';
import { DEFAULT_LOCK_WAIT_MS, FILE_OPTION_CHECKS, type FileStoreOptions } from './file-options.js';
import { JournalQueue } from './journal-queue.js';

/**
 * Clients in memory and in one file, for an API of a single process: what is known survives a restart. A change is on the
 * disk before it is acknowledged; changes that come together share one write. One process has the file open at a time: in
 * an overlapping deploy the new one waits for the old one (`lockWaitMs`). With several processes use a store in a database.
 */
export class FileClientStore implements ClientStore {
  readonly #memory = new MemoryClientStore();
  readonly #queue: JournalQueue;

  private constructor({ path, onRepair, lockWaitMs = DEFAULT_LOCK_WAIT_MS }: FileStoreOptions) {
    this.#queue = new JournalQueue({
      path,
      format: 'xlink-clients',
      onRepair,
      lockWaitMs,
      replay: (value) => this.#apply(clientChangeFrom(value)),
      snapshot: () => this.#memory.list().flatMap(changesOf),
    });
  }

  /**
   * Opens the file, or begins with nothing if there is none. Rejects with a `FileStoreError` if it is locked by another
   * process, damaged, of another kind, or holds less than was acknowledged.
   */
  static async open(path: string, options: Omit<FileStoreOptions, 'path'> = {}): Promise<FileClientStore> {
    const all = { ...options, path };
    checkOptions('FileClientStore', all, FILE_OPTION_CHECKS);
    const store = new FileClientStore(all);
    await store.#queue.ready();
    return store;
  }

  get(client: ClientId): ClientRecord | undefined {
    return this.#memory.get(client);
  }

  list(): readonly ClientRecord[] {
    return this.#memory.list();
  }

  clientOf(did: Did): ClientId | undefined {
    return this.#memory.clientOf(did);
  }

  async link(did: Did, client: ClientId): Promise<ClientId> {
    if (this.clientOf(did) === undefined) await this.#change({ link: did, client });
    return this.clientOf(did)!;
  }

  add(activity: readonly ClientActivity[]): Promise<void> {
    return this.#change({ add: activity });
  }

  setKeyOff(client: ClientId, since: number | undefined): Promise<void> {
    return this.#change({ client, keyOff: since ?? null });
  }

  /** Writes what is still to be written, and lets another process have the file. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  /** A change that could not be written did not happen. */
  #change(change: ClientChange): Promise<void> {
    return this.#queue.write(change, () => this.#apply(change));
  }

  #apply(change: ClientChange): void {
    if ('add' in change) this.#memory.add(change.add);
    else if ('link' in change) this.#memory.link(change.link, change.client);
    else this.#memory.setKeyOff(change.client, change.keyOff ?? undefined);
  }
}
