import { constants } from 'node:fs';
import { access, lstat, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { replacePrivateFile } from '@private.me/xlink/file';
import { XidError } from '../errors.js';
import { invalidOption } from '../util/options.js';

/** Where one share of the master seed is kept. Put each where the others cannot be read: a disk, a vault, another machine. */
export interface ShareBackend {
  /** Name for messages, such as `vault`. */
  readonly name: string;
  /** The bytes that were saved; `undefined` before the first time. A throw or rejection: it cannot be told now. */
  load(): Promise<Uint8Array | undefined> | Uint8Array | undefined;
  /** Keeps some 300 bytes. Called once, when the identity is made. */
  save(share: Uint8Array): Promise<void> | void;
  /** Optional, with {@link ShareBackend.isThere}. The file that holds the share: the thread that needs it reads it, and no other one. */
  readonly file?: string;
  /** Optional. Whether the file is there. A throw or rejection: it cannot be told, or must not be used. */
  isThere?(): Promise<boolean>;
}

/** A share in the memory of this process: gone with it, so that the next start is a new person. For tests and short programs. */
export class MemoryShareBackend implements ShareBackend {
  readonly name: string;
  #share: Uint8Array | undefined;

  /** `name`: for messages. Default `memory`. */
  constructor(name = 'memory') {
    this.name = name;
  }

  load(): Uint8Array | undefined {
    return this.#share && Uint8Array.from(this.#share);
  }

  save(share: Uint8Array): void {
    this.#share = Uint8Array.from(share);
  }
}

/** A share in a file of mode 0600, which is refused if others may read it (`SHARE_EXPOSED`), or if it is no regular file (`SHARE_INVALID`). */
export class FileShareBackend implements ShareBackend {
  readonly name: string;
  readonly file: string;

  /** `path`: the folder is made, mode 0700, if it is not there. Throws `INVALID_OPTION`. */
  constructor(path: string) {
    if (typeof path !== 'string' || path === '')
      throw invalidOption('path', 'FileShareBackend: path must be the name of a file.');
    this.file = resolve(path);
    this.name = this.file;
  }

  async load(): Promise<Uint8Array | undefined> {
    return (await this.isThere()) ? new Uint8Array(await readFile(this.file)) : undefined;
  }

  async isThere(): Promise<boolean> {
    try {
      const status = await lstat(this.file);
      const { mode } = status;
      if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw new XidError('SHARE_EXPOSED');
      // A pipe would keep whoever reads it waiting.
      if (!status.isFile()) throw new XidError('SHARE_INVALID');
      await access(this.file, constants.R_OK);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  async save(share: Uint8Array): Promise<void> {
    await replacePrivateFile(this.file, share);
  }
}
