import { createCipheriv, createDecipheriv, randomBytes, type ScryptOptions, scrypt } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { bytesOfFile, createPrivateFile, isSharedFile, replacePrivateFile } from '@private.me/xlink/file';
import { XlockError } from '../errors.js';
import { lengthPrefixed, partsOf, wipe } from '../util/bytes.js';
import { hasNoModes } from '../util/no-modes.js';
import { checkNames, checkValue, integerIn, invalidOption, isText } from '../util/options.js';
import type { XStoreBackend } from './backend.js';

/** Options of {@link EncryptedFileBackend}; one of `passphrase` and `keyFile` must be given. */
export interface EncryptedFileBackendOptions {
  /** The folder, made with mode 0700 if it is not there. */
  readonly folder: string;
  /** At least 8 characters; a key is made of it by scrypt (RFC 7914), anew for each file. */
  readonly passphrase?: string;
  /**
   * A file of 32 random bytes, mode 0600, made with the first share if it is not there. Refused if others may read it. Keep it elsewhere than
   * `folder`, and a copy of it where it is not lost with this device: without it the shares are of no use. In `folder` it is on the same medium: who
   * has that has this share, and no other one; others may read it then where the file system has no modes, as on most USB sticks.
   */
  readonly keyFile?: string;
  /** Name for messages. Default `file`. */
  readonly id?: string;
  /** log2 of the cost of scrypt, 15 to 20. Default 17: 128 MiB and some 0.3 s for each call. */
  readonly scryptLogN?: number;
}

const FORMAT = 'xlock file 1';

/** Shares in files of mode 0600, encrypted by AES-256-GCM (NIST SP 800-38D). The name of the share is authenticated with it. */
export class EncryptedFileBackend implements XStoreBackend {
  readonly id: string;
  readonly #options: EncryptedFileBackendOptions;

  /** Throws `INVALID_OPTION`. */
  constructor(options: EncryptedFileBackendOptions) {
    const OWNER = 'EncryptedFileBackend';
    checkNames(OWNER, options, ['folder', 'passphrase', 'keyFile', 'id', 'scryptLogN']);
    const { folder, passphrase, keyFile, id = 'file', scryptLogN } = options;
    if (!isText(folder)) throw invalidOption('folder', `${OWNER}: folder must be a path.`);
    checkValue(OWNER, 'id', id, isText, 'a text');
    checkValue(OWNER, 'scryptLogN', scryptLogN, integerIn(15, 20), 'a whole number from 15 to 20');
    checkValue(
      OWNER,
      'passphrase',
      passphrase,
      (text) => typeof text === 'string' && text.length >= 8,
      'a text of at least 8 characters',
    );
    checkValue(OWNER, 'keyFile', keyFile, isText, 'a path');
    if ((passphrase === undefined) === (keyFile === undefined))
      throw invalidOption('passphrase', `${OWNER}: pass one of passphrase and keyFile.`);
    this.id = id;
    this.#options = { ...options };
  }

  /** Writes the file as a whole: a crash leaves the old one or the new one. */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    const { scryptLogN = 17 } = this.#options;
    const salt = randomBytes(16);
    const iv = randomBytes(12);
    await this.#makeKeyFile();
    const key = await this.#key(salt, scryptLogN);
    const cipher = createCipheriv('aes-256-gcm', key, iv);
    wipe(key);
    const header = lengthPrefixed([FORMAT, name, scryptLogN, salt, iv]);
    cipher.setAAD(header);
    const sealed = Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    await replacePrivateFile(this.#path(name), lengthPrefixed([header, sealed]));
  }

  /** Throws `SHARE_UNREADABLE` if the file was changed, is of another name, or the passphrase or key is another one. */
  async get(name: string): Promise<Uint8Array | undefined> {
    const file = await bytesOfFile(this.#path(name));
    if (!file) return undefined;
    const [header, sealed] = partsOf(file) ?? [];
    const [format, said, logN, salt, iv] = (header && partsOf(header)) ?? [];
    const cost = logN?.length === 8 ? Number(Buffer.from(logN).readBigUInt64BE()) : 0;
    const isOurs =
      Buffer.from(format ?? []).toString() === FORMAT && Buffer.from(said ?? []).toString() === name;
    if (!isOurs || !sealed || sealed.length < 16 || salt?.length !== 16 || iv?.length !== 12)
      throw new XlockError('SHARE_UNREADABLE');
    if (cost < 15 || cost > 20) throw new XlockError('SHARE_UNREADABLE');
    const key = await this.#key(salt, cost);
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, iv).setAAD(header!);
      decipher.setAuthTag(sealed.subarray(-16));
      return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]));
    } catch (cause) {
      throw new XlockError('SHARE_UNREADABLE', { cause, ...this.#otherKey() });
    } finally {
      wipe(key);
    }
  }

  /** Removes the file. */
  async delete(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
  }

  #path(name: string): string {
    if (!/^[a-z0-9-]{1,64}$/.test(name))
      throw invalidOption('name', 'The name of a share is a-z, 0-9 and -.');
    return join(this.#options.folder, `${name}.xshare`);
  }

  async #makeKeyFile(): Promise<void> {
    const { keyFile } = this.#options;
    if (keyFile === undefined) return;
    const fresh = randomBytes(32);
    await createPrivateFile(keyFile, fresh);
    wipe(fresh);
  }

  #otherKey(): { resolution?: string } {
    const { keyFile } = this.#options;
    if (keyFile === undefined) return {};
    return {
      resolution: `It was written with another key file than ${keyFile}, or was changed: put back the key file of the device that wrote it.`,
    };
  }

  async #key(salt: Uint8Array, logN: number): Promise<Buffer> {
    const { passphrase, keyFile } = this.#options;
    if (keyFile === undefined) return stretched(passphrase!.normalize('NFC'), salt, logN);
    const isBeside = dirname(resolve(keyFile)) === resolve(this.#options.folder);
    const key = await bytesOfFile(keyFile);
    if (!key)
      throw unreadable(
        `The key file ${keyFile}, with which it was written, is not there: put it back from a copy.`,
      );
    if ((await isSharedFile(keyFile)) && !(isBeside && (await hasNoModes(keyFile))))
      throw unreadable(`Others may read the key file ${keyFile}: chmod 600 it.`);
    if (key?.length !== 32)
      throw unreadable(`The key file ${keyFile} must have 32 bytes: put it back from a copy.`);
    return Buffer.from(key.buffer, key.byteOffset, key.length);
  }
}

const unreadable = (resolution: string) => new XlockError('SHARE_UNREADABLE', { resolution });

function stretched(passphrase: string, salt: Uint8Array, logN: number): Promise<Buffer> {
  const cost: ScryptOptions = { N: 2 ** logN, r: 8, p: 1, maxmem: 2 ** logN * 8 * 128 + 2 ** 20 };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, 32, cost, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
