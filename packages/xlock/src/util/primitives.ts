// What the platform does: Node here. The approval page is built with `page/primitives.ts` in the place of this file.
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes as nodeRandomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';

/** SPKI and PKCS#8 of Ed25519 keys (RFC 8410), up to the key and the seed. */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** 32 bytes. A text as UTF-8. */
export const sha256 = (bytes: Uint8Array | string): Uint8Array => createHash('sha256').update(bytes).digest();

/** HMAC-SHA256 (RFC 2104), 32 bytes. */
export const hmacSha256 = (key: Uint8Array, bytes: Uint8Array): Uint8Array =>
  createHmac('sha256', key).update(bytes).digest();

/** Whether two byte strings of the same length are equal, in a time that does not depend on where they differ. */
export const isEqual = (a: Uint8Array, b: Uint8Array): boolean => timingSafeEqual(a, b);

/** From the secure source of the platform. */
export const randomBytes = (length: number): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(length);
  out.set(nodeRandomBytes(length));
  return out;
};

/** An Ed25519 key (RFC 8032). */
export interface SeedKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/** The key of a 32-byte seed, by way of one buffer that is overwritten. */
export function keyOfSeed(seed: Uint8Array): SeedKey {
  const der = Buffer.concat([PKCS8, seed]);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
  return {
    publicKey: Uint8Array.from(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

/** Checks Ed25519 signatures of one public key, 32 bytes; throws for what is no key. */
export function signatureCheckerOf(
  publicKey: Uint8Array,
): (message: Uint8Array, signature: Uint8Array) => boolean {
  const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' });
  return (message, signature) => verify(null, message, key, signature);
}
