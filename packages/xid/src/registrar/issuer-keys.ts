import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@private.me/xlink/file';

/** Where a registrar keeps the private keys of its tokens, so that a restart, or another instance, signs with the same ones. */
export interface IssuerKeys {
  /** The key under this name, PKCS#8 DER; `undefined` if there is none. */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Keeps a key where there is none, atomically, and gives the one that is there then. */
  add(name: string, pkcs8: Uint8Array): Promise<Uint8Array>;
  /** Removes one whose epoch is over. */
  remove(name: string): Promise<void>;
}

/** In the memory of this process: a restart makes new keys, which holders refuse (`ISSUER_KEY_CHANGED`) until the next epoch. */
export class MemoryIssuerKeys implements IssuerKeys {
  readonly #keys = new Map<string, Uint8Array>();

  async get(name: string): Promise<Uint8Array | undefined> {
    return this.#keys.get(name);
  }

  async add(name: string, pkcs8: Uint8Array): Promise<Uint8Array> {
    const kept = this.#keys.get(name) ?? Uint8Array.from(pkcs8);
    this.#keys.set(name, kept);
    return kept;
  }

  async remove(name: string): Promise<void> {
    this.#keys.delete(name);
  }
}

/** In a folder of mode 0700, one file of mode 0600 for each key. Instances on one machine may share it. */
export class FileIssuerKeys implements IssuerKeys {
  readonly #folder: string;

  /** `folder`: made if it is not there. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await readFile(this.#file(name)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async add(name: string, pkcs8: Uint8Array): Promise<Uint8Array> {
    await makeFolder(this.#folder);
    try {
      const file = await open(this.#file(name), 'wx', 0o600);
      try {
        await file.writeFile(pkcs8);
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    return (await this.get(name)) ?? pkcs8;
  }

  async remove(name: string): Promise<void> {
    await rm(this.#file(name), { force: true });
  }

  /** Names are a class and an epoch, so safe as they are. */
  #file(name: string): string {
    return join(this.#folder, `${name}.key`);
  }
}
