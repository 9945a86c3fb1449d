import {
  type CipherGCMTypes,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
} from 'node:crypto';
import { MeshError } from '../errors/mesh-error.js';

/** Length of the tag of every cipher here, in bytes. */
export const TAG_LENGTH = 16;
/** The largest Noise message, in bytes (Noise 3). */
export const MAX_MESSAGE = 65_535;

/** A cipher of Noise 12: how OpenSSL calls it, and how it writes the nonce. */
export interface CipherKind {
  /** Name in `node:crypto`. */
  readonly name: 'chacha20-poly1305' | 'aes-256-gcm';
  /** AES-GCM counts big-endian, ChaChaPoly little-endian; both behind four zero bytes. */
  readonly littleEndian: boolean;
}

/** The ciphers by their names in Noise. */
export const CIPHERS = {
  ChaChaPoly: { name: 'chacha20-poly1305', littleEndian: true },
  AESGCM: { name: 'aes-256-gcm', littleEndian: false },
} as const satisfies Record<string, CipherKind>;

const REKEY_NONCE = new Uint8Array(12).fill(255, 4);
const AUTH = { authTagLength: TAG_LENGTH };

/** A key with a counter (Noise 5.1). Counts to 2^53 - 1, which is below the 2^64 - 1 that Noise allows. */
export class CipherState {
  /** The number of the next message. */
  n = 0;
  readonly #kind: CipherKind;
  readonly #nonce = new Uint8Array(12);
  readonly #view = new DataView(this.#nonce.buffer);
  #key: KeyObject;

  /** `key`: 32 bytes. */
  constructor(kind: CipherKind, key: Uint8Array) {
    this.#kind = kind;
    this.#key = createSecretKey(key);
  }

  /** The ciphertext, 16 bytes longer; counts on. Throws `NOISE_LIMIT:MESSAGES`. */
  encrypt(ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return this.encryptAt(this.#next(), ad, plaintext);
  }

  /** The plaintext; counts on only if it is good. Throws `NOISE_DECRYPT_FAILED` or `NOISE_LIMIT:MESSAGES`. */
  decrypt(ad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    if (this.n >= Number.MAX_SAFE_INTEGER) throw new MeshError('NOISE_LIMIT:MESSAGES');
    const plaintext = this.decryptAt(this.n, ad, ciphertext);
    this.n++;
    return plaintext;
  }

  /** Encrypts under a number of the caller's, which must never have been used. */
  encryptAt(n: number, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return this.#seal(this.#nonceOf(n), ad, plaintext);
  }

  /** Decrypts under the number that came with the message. Throws `NOISE_DECRYPT_FAILED`. */
  decryptAt(n: number, ad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    const end = ciphertext.length - TAG_LENGTH;
    if (end < 0) throw new MeshError('NOISE_DECRYPT_FAILED');
    const cipher = createDecipheriv(this.#kind.name as CipherGCMTypes, this.#key, this.#nonceOf(n), AUTH);
    if (ad.length > 0) cipher.setAAD(ad);
    cipher.setAuthTag(ciphertext.subarray(end));
    const plaintext = cipher.update(ciphertext.subarray(0, end));
    try {
      cipher.final();
    } catch {
      throw new MeshError('NOISE_DECRYPT_FAILED');
    }
    return plaintext;
  }

  /** Another key, from which the old one does not follow (Noise 4.2 and 11.3). The counter goes on. */
  rekey(): void {
    this.#key = createSecretKey(this.#following());
  }

  /** The state after a {@link CipherState.rekey}, beside this one. */
  next(): CipherState {
    const after = new CipherState(this.#kind, this.#following());
    after.n = this.n;
    return after;
  }

  #following(): Uint8Array {
    return this.#seal(REKEY_NONCE, new Uint8Array(), new Uint8Array(32)).subarray(0, 32);
  }

  #next(): number {
    if (this.n >= Number.MAX_SAFE_INTEGER) throw new MeshError('NOISE_LIMIT:MESSAGES');
    return this.n++;
  }

  #seal(nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const cipher = createCipheriv(this.#kind.name as CipherGCMTypes, this.#key, nonce, AUTH);
    if (ad.length > 0) cipher.setAAD(ad);
    const body = cipher.update(plaintext);
    cipher.final();
    return Buffer.concat([body, cipher.getAuthTag()], body.length + TAG_LENGTH);
  }

  #nonceOf(n: number): Uint8Array {
    const { littleEndian } = this.#kind;
    const [low, high] = littleEndian ? [4, 8] : [8, 4];
    this.#view.setUint32(low, n % 0x1_0000_0000, littleEndian);
    this.#view.setUint32(high, Math.floor(n / 0x1_0000_0000), littleEndian);
    return this.#nonce;
  }
}
