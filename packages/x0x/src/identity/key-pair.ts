import { shake256 } from '@noble/hashes/sha3.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { randomBytes } from '@noble/post-quantum/utils.js';
import { X0xError } from '../errors.js';
import { idOf, type X0xId } from './ids.js';

/** Signed to see whether a key is sound, in a context of its own. */
const PROBE = utf8ToBytes('xlink/1 x0x key check');

/** tr of FIPS 204 (section 5.1): SHAKE256 of the public key, 64 bytes, which the secret key repeats. */
const hashOf = (publicKey: Uint8Array): Uint8Array => shake256(publicKey, { dkLen: 64 });

/** `length` bytes from a cryptographic random source. */
export type RandomBytes = (length: number) => Uint8Array;

/**
 * An ML-DSA-65 key pair (FIPS 204) as x0x keeps it: with the expanded secret key of 4032 bytes. Signatures are hedged, and have
 * an empty context unless said otherwise. Printing one shows its id and nothing else.
 */
export class X0xKeyPair {
  /** 1952 bytes. */
  readonly publicKey: Uint8Array;
  /** The id of the public key. */
  readonly id: X0xId;
  readonly #secretKey: Uint8Array;

  private constructor(publicKey: Uint8Array, secretKey: Uint8Array) {
    this.publicKey = publicKey;
    this.#secretKey = secretKey;
    this.id = idOf(publicKey);
  }

  /** New keys. Default `random`: that of the platform. */
  static generate(random: RandomBytes = randomBytes): X0xKeyPair {
    return X0xKeyPair.fromSeed(random(32));
  }

  /** The keys of a 32-byte seed (xi of FIPS 204): the same everywhere. Throws `KEY_INVALID`. */
  static fromSeed(seed: Uint8Array): X0xKeyPair {
    if (!(seed instanceof Uint8Array) || seed.length !== 32)
      throw new X0xError('KEY_INVALID', { field: 'seed' });
    const { publicKey, secretKey } = ml_dsa65.keygen(seed);
    return new X0xKeyPair(publicKey, secretKey);
  }

  /** Keys as bytes, 1952 and 4032. Throws `KEY_INVALID`, and `KEY_FILE_INVALID:MISMATCH` if they do not belong together. */
  static fromBytes(publicKey: Uint8Array, secretKey: Uint8Array): X0xKeyPair {
    if (publicKey.length !== 1952 || secretKey.length !== 4032) throw new X0xError('KEY_INVALID');
    const isConsistent =
      isSame(derivedPublicKey(secretKey), publicKey) &&
      isSame(secretKey.subarray(64, 128), hashOf(publicKey));
    if (!isConsistent) throw new X0xError('KEY_FILE_INVALID:MISMATCH');
    const keys = new X0xKeyPair(Uint8Array.from(publicKey), Uint8Array.from(secretKey));
    if (!keys.#signsWell()) throw new X0xError('KEY_FILE_INVALID:MISMATCH');
    return keys;
  }

  /** Signs; 3309 bytes. `context`: at most 255 bytes (FIPS 204 section 5.2), default empty. */
  sign(
    message: Uint8Array,
    context: Uint8Array = new Uint8Array(0),
    random: RandomBytes = randomBytes,
  ): Uint8Array {
    return ml_dsa65.sign(message, this.#secretKey, { context, extraEntropy: random(32) });
  }

  /** The low bits of t are in the secret key alone: whether they are right shows in signatures. */
  #signsWell(): boolean {
    return verifySignature(
      this.publicKey,
      PROBE,
      ml_dsa65.sign(PROBE, this.#secretKey, { context: PROBE }),
      PROBE,
    );
  }

  /** A copy of the expanded secret key, 4032 bytes: keep it secret. */
  exportSecretKey(): Uint8Array {
    return Uint8Array.from(this.#secretKey);
  }

  /** The id only. */
  toJSON(): { id: X0xId } {
    return { id: this.id };
  }

  /** For `console.log`. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `X0xKeyPair(${this.id})`;
  }
}

/** Whether a signature is good; false for keys and signatures of another length, too. */
export function verifySignature(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  context: Uint8Array = new Uint8Array(0),
): boolean {
  if (publicKey.length !== 1952 || signature.length !== 3309) return false;
  try {
    return ml_dsa65.verify(signature, message, publicKey, { context });
  } catch {
    return false;
  }
}

export const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

function derivedPublicKey(secretKey: Uint8Array): Uint8Array {
  try {
    return ml_dsa65.getPublicKey(secretKey);
  } catch (cause) {
    throw new X0xError('KEY_FILE_INVALID:MISMATCH', { cause });
  }
}
