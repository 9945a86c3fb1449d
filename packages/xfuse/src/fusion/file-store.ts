import { createHash, randomUUID } from 'node:crypto';
import { link, open, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeFolder } from '@private.me/xlink/file';
import { readOwnFile } from '../util/own-file.js';
import type { FusionRecord } from './record.js';
import type { FusionStore } from './store.js';

/**
 * Keeps each record in a file of its own, mode 0600, below a folder. The generation is in the name, and a name is given once: of several
 * processes that change a record at the same time, one succeeds. Names of accounts are hashed. Local disks only.
 */
export class FileFusionStore implements FusionStore {
  readonly #folder: string;
  /** The folder as it is named from the root: stores of one folder count attempts together. */
  readonly place: string;

  /** The folder is made at the first save, mode 0700. */
  constructor(folder: string) {
    this.#folder = folder;
    this.place = resolve(folder);
  }

  /** The record of an account. A link, a pipe, and what others may read or write are refused: `RECORD_UNAVAILABLE`. */
  async load(account: string): Promise<FusionRecord | undefined> {
    for (;;) {
      const generation = await this.#latest(account);
      if (generation === undefined) return undefined;
      try {
        return JSON.parse(
          new TextDecoder().decode(await readOwnFile(this.#path(account, generation), 2 ** 20)),
        ) as FusionRecord;
      } catch (error) {
        // A newer one took its place between the two looks.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }

  /** Saves it if nobody was faster. On disk when it returns. */
  async save(record: FusionRecord, ifGeneration: number | undefined): Promise<boolean> {
    const { account, generation } = record;
    await makeFolder(this.#folder);
    if ((await this.#latest(account)) !== ifGeneration) return false;
    const target = this.#path(account, generation);
    const draft = join(this.#folder, `.${randomUUID()}`);
    try {
      await write(draft, JSON.stringify(record));
      // A name that is there already is somebody else's change, unless the generation stays.
      if (generation === ifGeneration) await rename(draft, target);
      else await link(draft, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(draft, { force: true });
    }
    if (((await this.#latest(account)) ?? 0) > generation) {
      // Others went on while this one was slow, and had taken the name away again.
      await rm(target, { force: true });
      return false;
    }
    if (ifGeneration !== undefined && generation !== ifGeneration)
      await rm(this.#path(account, ifGeneration), { force: true });
    return true;
  }

  async #latest(account: string): Promise<number | undefined> {
    const name = nameOf(account);
    const all = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const generations = all
      .filter((file) => file.startsWith(`${name}.`) && /\.\d{1,15}\.json$/.test(file))
      .map((file) => Number(file.split('.')[1]));
    return generations.length ? Math.max(...generations) : undefined;
  }

  #path(account: string, generation: number): string {
    return join(this.#folder, `${nameOf(account)}.${generation}.json`);
  }
}

const nameOf = (account: string): string => createHash('sha256').update(account).digest('hex').slice(0, 40);

async function write(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
