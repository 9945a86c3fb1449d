import { XlockError } from '../errors.js';
import { MAX_SHARE_BYTES, type XStoreBackend } from '../stores/backend.js';
import { checkNames, checkValue, hasMethods, invalidOption, isFunction, isText } from '../util/options.js';

/**
 * A token of PKCS#11 (2.40) as far as a share needs it: private data objects (`CKO_DATA` with `CKA_PRIVATE`), which are read only after the
 * login with a PIN. {@link Pkcs11Tool} is one by the program of OpenSC; write yours on the binding you have. Two objects may have the same label.
 */
export interface Pkcs11Token {
  /** Labels of the data objects. */
  labels(): Promise<readonly string[]>;
  /** The bytes of one; `undefined` if there is none. */
  read(label: string): Promise<Uint8Array | undefined>;
  /** Makes one. */
  write(label: string, bytes: Uint8Array): Promise<void>;
  /** Removes one. */
  remove(label: string): Promise<void>;
}

/** Options of {@link HsmBackend}. */
export interface HsmBackendOptions {
  /** The token. */
  readonly token: Pkcs11Token;
  /** Name for messages. Default `hsm`. */
  readonly id?: string;
  /** Default `Date.now`. */
  readonly clock?: () => number;
}

/**
 * Shares in a hardware security module, or a smart card. A new share is written beside the old one, which goes afterwards: a crash leaves one of the two.
 * The share leaves the module when it is used, since it is put together with others; what the module adds is the PIN and its lock.
 */
export class HsmBackend implements XStoreBackend {
  readonly id: string;
  readonly #token: Pkcs11Token;
  readonly #now: () => number;

  /** Throws `INVALID_OPTION`. */
  constructor(options: HsmBackendOptions) {
    const OWNER = 'HsmBackend';
    checkNames(OWNER, options, ['token', 'id', 'clock']);
    const { token, id = 'hsm', clock = Date.now } = options;
    if (!hasMethods('labels', 'read', 'write', 'remove')(token))
      throw invalidOption('token', `${OWNER}: token must have labels(), read(), write() and remove().`);
    checkValue(OWNER, 'id', id, isText, 'a text');
    checkValue(OWNER, 'clock', clock, isFunction, 'a function');
    this.id = id;
    this.#token = token;
    this.#now = clock;
  }

  /** Writes the new object, and removes older ones. */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    const old = await this.#labelsOf(name);
    const after = old.length === 0 ? 0 : timeIn(old.at(-1)!) + 1;
    await this.#token.write(`${name}.${Math.max(this.#now(), after)}`, bytes);
    for (const label of old) await this.#token.remove(label);
  }

  /** The newest one. Throws `SHARE_UNREADABLE` for one that is too long to be a share. */
  async get(name: string): Promise<Uint8Array | undefined> {
    const label = (await this.#labelsOf(name)).at(-1);
    const bytes = label === undefined ? undefined : await this.#token.read(label);
    if (bytes && bytes.length > MAX_SHARE_BYTES) throw new XlockError('SHARE_UNREADABLE');
    return bytes;
  }

  /** Removes all of that name. */
  async delete(name: string): Promise<void> {
    for (const label of await this.#labelsOf(name)) await this.#token.remove(label);
  }

  /** Oldest first. */
  async #labelsOf(name: string): Promise<string[]> {
    const all = await this.#token.labels();
    const own = all.filter(
      (label) => label.startsWith(`${name}.`) && /^\d{1,16}$/.test(label.slice(name.length + 1)),
    );
    return own.sort((a, b) => timeIn(a) - timeIn(b));
  }
}

const timeIn = (label: string): number => Number(label.slice(label.lastIndexOf('.') + 1));
