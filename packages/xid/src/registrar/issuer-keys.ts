import { createPrivateKey } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createPrivateFile, removeDrafts } from '@private.me/xlink/file';
import { XidError } from '../errors.js';

/** Where a registrar keeps the private keys of its tokens, so that a restart, or another instance, signs with the same ones. */
export interface IssuerKeys {
  /** The key under this name, PKCS#8 DER; `undefined` if there is none. */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Keeps a key where there is none, atomically, and gives the one that is there then. */
  add(name: string, pkcs8: Uint8Array): Promise<Uint8Array>;
  /** Removes one whose epoch is over. */
  remove(name: string): Promise<void>;
  /** Optional. The names of all that are kept, so that those of past epochs are removed at the start. */
  list?(): Promise<readonly string[]>;
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

/**
 * In a folder of mode 0700, one file of mode 0600 for each key. Instances on one machine may share it: a file has its name once it is whole, and the first one
 * stays. What is no key, or may be read by others, is refused (`ISSUER_KEY_UNUSABLE`): no other key is made in its place.
 */
export class FileIssuerKeys implements IssuerKeys {
  readonly #folder: string;

  /** `folder`: made if it is not there. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Rejects with `ISSUER_KEY_UNUSABLE`. */
  async get(name: string): Promise<Uint8Array | undefined> {
    let file: FileHandle;
    try {
      const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
      file = await open(this.#file(name), O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new XidError('ISSUER_KEY_UNUSABLE', { cause });
    }
    try {
      const status = await file.stat();
      const isExposed = process.platform !== 'win32' && (status.mode & 0o077) !== 0;
      if (!status.isFile() || isExposed) throw new XidError('ISSUER_KEY_UNUSABLE');
      const pkcs8 = new Uint8Array(await file.readFile());
      assertKey(pkcs8);
      return pkcs8;
    } finally {
      await file.close();
    }
  }

  /** Rejects with `ISSUER_KEY_UNUSABLE`. */
  async add(name: string, pkcs8: Uint8Array): Promise<Uint8Array> {
    await createPrivateFile(this.#file(name), pkcs8); // the first one stays
    return (await this.get(name)) ?? pkcs8;
  }

  async remove(name: string): Promise<void> {
    await rm(this.#file(name), { force: true });
  }

  /** The names of all keys that are kept. Removes what is left of files that were never finished. */
  async list(): Promise<readonly string[]> {
    const files = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    await removeDrafts(this.#folder);
    return files.filter((file) => file.endsWith('.key')).map((file) => file.slice(0, -'.key'.length));
  }

  /** Names are a class and an epoch, so safe as they are. */
  #file(name: string): string {
    return join(this.#folder, `${name}.key`);
  }
}

function assertKey(pkcs8: Uint8Array): void {
  let type: string | undefined;
  try {
    type = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }).asymmetricKeyType;
  } catch {
    // as a key of another kind
  }
  if (type !== 'rsa') throw new XidError('ISSUER_KEY_UNUSABLE');
}
