import { ed25519 } from '@noble/curves/ed25519.js';

/**
 * The one set of Ed25519 rules, wherever the signature is checked:
 *
 * - the public key is canonically encoded, not of small order and in the prime-order subgroup (checked here, once per
 *   DID, because verifiers differ on such keys);
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
