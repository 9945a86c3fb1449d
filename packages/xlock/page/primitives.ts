// What Node does in `src/util/primitives.ts`, by noble and WebCrypto: the page is built with this file in its place.
import { ed25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import type { SeedKey } from '../src/util/primitives.js';

const encoder = new TextEncoder();

export const sha256 = (bytes: Uint8Array | string): Uint8Array =>
  nobleSha256(typeof bytes === 'string' ? encoder.encode(bytes) : bytes);

export const hmacSha256 = (key: Uint8Array, bytes: Uint8Array): Uint8Array => hmac(nobleSha256, key, bytes);

/** Browsers have no such function: all bytes are looked at, whatever they are. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (const [at, byte] of a.entries()) difference |= byte ^ (b[at] ?? 0);
  return difference === 0;
}

export const randomBytes = (length: number): Uint8Array<ArrayBuffer> =>
  crypto.getRandomValues(new Uint8Array(length));

export const keyOfSeed = (seed: Uint8Array): SeedKey => ({
  publicKey: ed25519.getPublicKey(seed),
  sign: (message) => ed25519.sign(message, seed),
});

export const signatureCheckerOf =
  (publicKey: Uint8Array) =>
  (message: Uint8Array, signature: Uint8Array): boolean =>
    ed25519.verify(signature, message, publicKey, { zip215: false });
