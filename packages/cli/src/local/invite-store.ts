import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OperationsStore, StoredDocument } from '@private.me/xlink';
import { contentOf, writeWhole } from './whole-file.js';

/**
 * Documents in a folder, one file for each version of each: several processes may change them at the same time, so that invites are made
 * and revoked while the agent runs that takes their acceptances. A version is a file that only one process can make; earlier ones stay.
 */
export class FolderStore implements OperationsStore {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async load(id: string): Promise<StoredDocument | undefined> {
    const version = (await this.#versions()).get(id) ?? 0;
    return version === 0 ? undefined : this.#read(id, version);
  }

  async list(kind: string): Promise<readonly StoredDocument[]> {
    const found: StoredDocument[] = [];
    for (const [id, version] of await this.#versions()) {
      const one = id.startsWith(`${kind}/`) ? await this.#read(id, version) : undefined;
      if (one) found.push(one);
    }
    return found;
  }

  async save(id: string, json: string, expectedVersion: number): Promise<boolean> {
    if (((await this.#versions()).get(id) ?? 0) !== expectedVersion) return false;
    try {
      await writeWhole(this.#file(id, expectedVersion + 1), json, { isNew: true });
    } catch (error) {
      if ((error as { code?: string }).code === 'EEXIST') return false;
      throw error;
    }
    return true;
  }

  async remove(id: string, expectedVersion: number): Promise<boolean> {
    if ((await this.load(id))?.version !== expectedVersion) return false;
    for (let version = 1; version <= expectedVersion; version++)
      await rm(this.#file(id, version), { force: true });
    return true;
  }

  async #read(id: string, version: number): Promise<StoredDocument | undefined> {
    const content = await contentOf(this.#file(id, version));
    return content && { id, version, json: content.toString() };
  }

  /** The latest version of each document. */
  async #versions(): Promise<ReadonlyMap<string, number>> {
    const versions = new Map<string, number>();
    for (const name of await readdir(this.#path).catch(() => [])) {
      const [, encoded = '', version = 0] = /^(.+)\.(\d+)\.json$/.exec(name) ?? [];
      const id = decodeURIComponent(encoded);
      versions.set(id, Math.max(versions.get(id) ?? 0, Number(version)));
    }
    versions.delete('');
    return versions;
  }

  #file(id: string, version: number): string {
    return join(this.#path, `${encodeURIComponent(id)}.${version}.json`);
  }
}
