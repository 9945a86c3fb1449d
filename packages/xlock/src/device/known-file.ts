import { bytesOfFile, replacePrivateFile } from '@private.me/xlink/file';
import { XlockError } from '../errors.js';
import type { PasskeyMeta } from '../passkey/meta.js';
import { parseJson, textOf } from '../util/bytes.js';
import { isSameOwner, type KnownPasskeys } from './known.js';

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
    const bytes = await bytesOfFile(this.#path);
    if (!bytes) return [];
    const value = parseJson(textOf(bytes));
    if (!Array.isArray(value)) throw new XlockError('INTERNAL', { resolution: 'Restore passkeys.json.' });
    return value as PasskeyMeta[];
  }

  /** Writes the file as a whole. */
  async keep({ service, userId, did, verifier }: PasskeyMeta): Promise<void> {
    const write = async () => {
      const meta = { service, userId, did, verifier };
      const others = (await this.list()).filter((one) => !isSameOwner(one, meta));
      await replacePrivateFile(this.#path, `${JSON.stringify([...others, meta], undefined, 1)}\n`);
    };
    const done = this.#writing.then(write, write);
    this.#writing = done.catch(() => {});
    await done;
  }
}
