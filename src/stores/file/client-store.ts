import { MemoryClientStore } from '../../adapters/clients/memory-store.js';
import type {
  ClientActivity,
  ClientRecord,
  ClientStore,
  LinkConditions,
  Standing,
} from '../../adapters/clients/store.js';
import type { ClientId, Did } from '../../types/protocol.js';
import { KeyedMutex } from '../../util/keyed-mutex.js';
import { checkOptions } from '../../util/options.js';
import { type ClientChange, changesOf, clientChangeFrom, linkChange } from './client-change.js';
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
  /** Links and their ends, one at a time: each decides by what the ones before it left. */
  readonly #links = new KeyedMutex<'links'>();

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

  standingOf(did: Did): Standing | undefined {
    return this.#memory.standingOf(did);
  }

  link(did: Did, client: ClientId, { maxDids = Infinity, validUntil, ifNew = false }: LinkConditions = {}) {
    return this.#links.run('links', async () => {
      const { client: owner, validUntil: end } = this.standingOf(did) ?? {};
      if (owner === client && ifNew) return undefined;
      if (owner === undefined && (this.get(client)?.dids.length ?? 0) >= maxDids) return undefined;
      const isChange = owner === undefined || (owner === client && end !== validUntil);
      if (isChange) await this.#change(linkChange(did, client, validUntil));
      return this.clientOf(did);
    });
  }

  unlink(did: Did): Promise<ClientId | undefined> {
    return this.#links.run('links', async () => {
      const client = this.clientOf(did);
      if (client !== undefined) await this.#change({ unlink: did });
      return client;
    });
  }

  add(activity: readonly ClientActivity[]): Promise<void> {
    return this.#change({ add: activity });
  }

  setKeyOff(client: ClientId, since: number | undefined): Promise<void> {
    return this.#change({ client, keyOff: since ?? null });
  }

  setRevoked(client: ClientId, since: number | undefined): Promise<void> {
    return this.#change({ client, revoked: since ?? null });
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
    else if ('unlink' in change) this.#memory.unlink(change.unlink);
    else if ('link' in change) {
      const { link, client, until } = change;
      this.#memory.link(link, client, until === undefined ? {} : { validUntil: until });
    } else if ('revoked' in change) this.#memory.setRevoked(change.client, change.revoked ?? undefined);
    else this.#memory.setKeyOff(change.client, change.keyOff ?? undefined);
  }
}
