// Blind RSA signatures (RFC 9474) on the platform's own RSA: blinding and hashing here, every power by OpenSSL.
import {
  constants,
  createHash,
  type KeyObject,
  privateEncrypt,
  publicEncrypt,
  verify as verifyNatively,
} from 'node:crypto';
import type { RandomBytes } from '@private.me/xlink';
import { XidError } from '../errors.js';

/** A variant of RFC 9474, section 5: bytes of salt in the signature, and whether messages get a random prefix. */
export interface BlindRsaVariant {
  /** 48, or 0 for the deterministic encoding. */
  readonly saltLength: 0 | 48;
  /** Whether 32 random bytes are put in front of the message. */
  readonly isRandomized: boolean;
}

/** The variants of RFC 9474 by their names. Tokens of this package use the first. */
export const BLIND_RSA_VARIANTS = {
  'RSABSSA-SHA384-PSS-Randomized': { saltLength: 48, isRandomized: true },
  'RSABSSA-SHA384-PSS-Deterministic': { saltLength: 48, isRandomized: false },
  'RSABSSA-SHA384-PSSZERO-Randomized': { saltLength: 0, isRandomized: true },
  'RSABSSA-SHA384-PSSZERO-Deterministic': { saltLength: 0, isRandomized: false },
} as const satisfies Record<string, BlindRsaVariant>;

/** The name of a variant. */
export type BlindRsaVariantName = keyof typeof BLIND_RSA_VARIANTS;

const HASH_BYTES = 48;
const PREFIX_BYTES = 32;

const hash = (...parts: readonly Uint8Array[]): Buffer => {
  const state = createHash('sha384');
  for (const part of parts) state.update(part);
  return state.digest();
};
const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
const toBytes = (value: bigint, length: number): Buffer =>
  Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex');

/** Modulus and its length, of a key of 2048 bits or more. Throws `ISSUER_KEY_INVALID`. */
function modulusOf(key: KeyObject): { readonly n: bigint; readonly length: number; readonly bits: number } {
  const { n } = key.export({ format: 'jwk' });
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== 'rsa' || !n || bits < 2048) throw new XidError('ISSUER_KEY_INVALID');
  return { n: toNumber(Buffer.from(n, 'base64url')), length: Math.ceil(bits / 8), bits };
}

/** RFC 9474, section 4.1: the bytes that are signed. */
export const prepare = (
  message: Uint8Array,
  { isRandomized }: BlindRsaVariant,
  random: RandomBytes,
): Uint8Array => (isRandomized ? Buffer.concat([random(PREFIX_BYTES), message]) : Uint8Array.from(message));

/** MGF1 with SHA-384 (RFC 8017, B.2.1). */
function mask(seed: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let counter = 0; blocks.length * HASH_BYTES < length; counter++) {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(counter);
    blocks.push(hash(seed, number));
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** EMSA-PSS-ENCODE with SHA-384 (RFC 8017, 9.1.1). */
function encodePss(message: Uint8Array, bits: number, salt: Uint8Array): Buffer {
  const length = Math.ceil(bits / 8);
  const digest = hash(Buffer.alloc(8), hash(message), salt);
  const block = Buffer.alloc(length - HASH_BYTES - 1);
  block[block.length - salt.length - 1] = 1;
  block.set(salt, block.length - salt.length);
  const masking = mask(digest, block.length);
  for (let at = 0; at < block.length; at++) block[at]! ^= masking[at]!;
  block[0]! &= 0xff >> (8 * length - bits);
  return Buffer.concat([block, digest, Buffer.from([0xbc])]);
}

/** The inverse modulo n by Euclid; `undefined` where there is none. */
function inverse(value: bigint, n: bigint): bigint | undefined {
  let [a, b, x, y] = [value % n, n, 1n, 0n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  if (a !== 1n) return undefined;
  return x < 0n ? x + n : x;
}

/** The public power of a number below the modulus, by OpenSSL. */
const power = (key: KeyObject, bytes: Uint8Array): Buffer =>
  publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, bytes);

/** What is sent to the signer, and what only its sender needs. */
export interface Blinded {
  /** As long as the modulus. It says nothing about the message: for each message there is a blinding that gives it. */
  readonly blinded: Uint8Array;
  /** The inverse of the blinding, as long as the modulus. Whoever has it can link the two. */
  readonly inverse: Uint8Array;
}

/** Where the numbers come from: for vectors. */
export interface BlindRandomness {
  /** Default: that of `node:crypto`. */
  readonly random: RandomBytes;
  /** The salt of the signature. Default: random. */
  readonly salt?: Uint8Array;
  /** The blinding number itself. Default: random, below the modulus. */
  readonly blinding?: Uint8Array;
}

/** RFC 9474, section 4.2. `message` comes from {@link prepare}. Throws `ISSUER_KEY_INVALID`, `BLIND_INPUT_INVALID`. */
export function blind(
  publicKey: KeyObject,
  message: Uint8Array,
  { saltLength }: BlindRsaVariant,
  { random, salt = random(saltLength), blinding }: BlindRandomness,
): Blinded {
  const { n, length, bits } = modulusOf(publicKey);
  const encoded = toNumber(encodePss(message, bits - 1, salt));
  if (inverse(encoded, n) === undefined) throw new XidError('BLIND_INPUT_INVALID');
  for (;;) {
    const r = blinding ? toNumber(blinding) : toNumber(random(length)) % 2n ** BigInt(bits);
    const inverted = r === 0n || r >= n ? undefined : inverse(r, n);
    if (inverted === undefined && blinding) throw new XidError('BLIND_INPUT_INVALID');
    if (inverted === undefined) continue; // drawn anew, so that it is even over all numbers below the modulus
    const x = toNumber(power(publicKey, toBytes(r, length)));
    return { blinded: toBytes((encoded * x) % n, length), inverse: toBytes(inverted, length) };
  }
}

/** RFC 9474, section 4.3, at the signer: one private power, checked by a public one. Throws `BLIND_INPUT_INVALID`, `ISSUER_KEY_INVALID`. */
export function blindSign(privateKey: KeyObject, publicKey: KeyObject, blinded: Uint8Array): Uint8Array {
  const { n, length } = modulusOf(publicKey);
  if (!(blinded instanceof Uint8Array) || blinded.length !== length || toNumber(blinded) >= n)
    throw new XidError('BLIND_INPUT_INVALID');
  const signed = privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, blinded);
  if (!power(publicKey, signed).equals(blinded)) throw new XidError('BLIND_SIGNATURE_INVALID'); // a fault would give the key away
  return signed;
}

/** RFC 9474, section 4.4: the signature of the prepared message. Throws `BLIND_SIGNATURE_INVALID`. */
export function finalize(
  publicKey: KeyObject,
  message: Uint8Array,
  variant: BlindRsaVariant,
  { inverse: inverted }: Pick<Blinded, 'inverse'>,
  blindSignature: Uint8Array,
): Uint8Array {
  const { n, length } = modulusOf(publicKey);
  if (!(blindSignature instanceof Uint8Array) || blindSignature.length !== length)
    throw new XidError('BLIND_SIGNATURE_INVALID');
  const signature = toBytes((toNumber(blindSignature) * toNumber(inverted)) % n, length);
  if (!verifyBlind(publicKey, message, variant, signature)) throw new XidError('BLIND_SIGNATURE_INVALID');
  return signature;
}

/** RSASSA-PSS with SHA-384 (RFC 8017, 8.1.2): what a verifier of any kind checks. */
export const verifyBlind = (
  publicKey: KeyObject,
  message: Uint8Array,
  { saltLength }: BlindRsaVariant,
  signature: Uint8Array,
): boolean =>
  verifyNatively(
    'sha384',
    message,
    { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
    signature,
  );
