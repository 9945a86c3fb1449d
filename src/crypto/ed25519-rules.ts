import { ed25519 } from '@noble/curves/ed25519.js';
import { equalBytes } from './bytes.js';

/**
 * The one set of Ed25519 rules, wherever the signature is checked:
 *
 * - the public key is canonically encoded, not of small order and in the prime-order subgroup (checked here, once per
 *   DID, because verifiers differ on such keys);
 * - `R` is not the identity ({@link hasIdentityR});
 * - `S < L` (RFC 8032 section 5.1.7);
 * - cofactorless equation, and the encoding of `R` is compared byte for byte.
 *
 * OpenSSL and BoringSSL do the last two. ZIP 215 rules are never used.
 */
export function isStrictEd25519Key(publicKey: Uint8Array): boolean {
  try {
    const point = ed25519.Point.fromBytes(publicKey, false);
    return !point.isSmallOrder() && point.isTorsionFree();
  } catch {
    return false;
  }
}

const IDENTITY = Uint8Array.of(1, ...new Uint8Array(31));

/**
 * Whether the R of an Ed25519 signature is the identity. With a strict key that is the only R of small order for which
 * the equation can hold. Only the owner of the key can make one, and platforms differ on it: WebCrypto and `node:crypto`
 * of Node 24 and later refuse it, `node:crypto` of Node 20 does not. Here it is refused everywhere.
 */
export const hasIdentityR = (signature: Uint8Array): boolean =>
  equalBytes(signature.subarray(0, 32), IDENTITY);
