import { XlockError } from '../errors.js';
import type { PasskeyMeta } from '../passkey/meta.js';
import { parseJson } from '../util/bytes.js';
import { bytesIn, replaceFile } from '../util/private-file.js';

/** Which passkeys a device has, without any key: what each share says, too. */
export interface KnownPasskeys {
  /** All of them. */
  list(): Promise<readonly PasskeyMeta[]>;
  /** Adds one, or replaces the one of the same service and user. */
  keep(meta: PasskeyMeta): Promise<void>;
}

const isSame = (a: PasskeyMeta, b: PasskeyMeta) => a.service === b.service && a.userId === b.userId;

/** In memory. */
export class MemoryKnownPasskeys implements KnownPasskeys {
  #all: readonly PasskeyMeta[] = [];

  /** A copy. */
  async list(): Promise<readonly PasskeyMeta[]> {
    return this.#all;
  }

  /** Keeps it until the process ends. */
  async keep({ service, userId, did, verifier }: PasskeyMeta): Promise<void> {
    const meta = { service, userId, did, verifier };
    this.#all = [...this.#all.filter((one) => !isSame(one, meta)), meta];
  }
}

/** In a JSON file of mode 0600, for one process at a time. */
export class FileKnownPasskeys implements KnownPasskeys {
  readonly #path: string;
  #writing: Promise<unknown> = Promise.resolve();

  /** `path`: made at the first `keep`, with its folder. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Throws `INTERNAL` for a file that is damaged: without it challenges of anybody would look like first ones. */
  async list(): Promise<readonly PasskeyMeta[]> {
    const bytes = await bytesIn(this.#path);
    if (!bytes) return [];
    const value = parseJson(Buffer.from(bytes).toString('utf8'));
    if (!Array.isArray(value)) throw new XlockError('INTERNAL', { resolution: 'Restore passkeys.json.' });
    return value as PasskeyMeta[];
  }

  /** Writes the file as a whole. */
  async keep({ service, userId, did, verifier }: PasskeyMeta): Promise<void> {
    const write = async () => {
      const meta = { service, userId, did, verifier };
      const others = (await this.list()).filter((one) => !isSame(one, meta));
      await replaceFile(this.#path, `${JSON.stringify([...others, meta], undefined, 1)}\n`);
    };
    const done = this.#writing.then(write, write);
    this.#writing = done.catch(() => {});
    await done;
  }
}
