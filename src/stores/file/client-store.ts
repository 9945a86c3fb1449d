import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MemoryClientStore } from '../../adapters/clients/memory-store.js';
import type { ClientActivity, ClientRecord, ClientStore } from '../../adapters/clients/store.js';
import type { ClientId, Did } from '../../types/protocol.js';

/**
 * Clients in memory and in one JSON file, for an API of a single instance: what is known survives a restart. Every
 * change is written to a new file that then takes the place of the old one, so a crash leaves one of the two. With
 * several instances use a store in a database that they share.
 */
export class FileClientStore implements ClientStore {
  readonly #path: string;
  #memory: MemoryClientStore;
  #lastChange: Promise<unknown> = Promise.resolve();

  private constructor(path: string, records: readonly ClientRecord[]) {
    this.#path = path;
    this.#memory = new MemoryClientStore(records);
  }

  /** Opens the file, or begins with nothing if there is none. Rejects if it cannot be read or is not such a file. */
  static async open(path: string): Promise<FileClientStore> {
    await mkdir(dirname(path), { recursive: true });
    return new FileClientStore(path, await readRecords(path));
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

  link(did: Did, client: ClientId): Promise<ClientId> {
    return this.#change((memory) => memory.link(did, client));
  }

  add(activity: readonly ClientActivity[]): Promise<void> {
    return this.#change((memory) => memory.add(activity));
  }

  setKeyOff(client: ClientId, since: number | undefined): Promise<void> {
    return this.#change((memory) => memory.setKeyOff(client, since));
  }

  /** One change at a time, made on a copy that counts once it is written: a change that failed did not happen. */
  #change<T>(change: (memory: MemoryClientStore) => T): Promise<T> {
    const done = this.#lastChange.then(async () => {
      const changed = new MemoryClientStore(this.#memory.list());
      const result = change(changed);
      const temporary = `${this.#path}.${process.pid}.tmp`;
      await writeFile(temporary, JSON.stringify(changed.list(), undefined, 1), { mode: 0o600 });
      await rename(temporary, this.#path);
      this.#memory = changed;
      return result;
    });
    this.#lastChange = done.catch(() => {});
    return done;
  }
}

async function readRecords(path: string): Promise<ClientRecord[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw error;
  }
  const records: unknown = JSON.parse(text);
  const valid =
    Array.isArray(records) &&
    records.every((record) => typeof record?.client === 'string' && Array.isArray(record.dids));
  if (!valid) throw new TypeError(`${path} is not a file of FileClientStore`);
  return records as ClientRecord[];
}
