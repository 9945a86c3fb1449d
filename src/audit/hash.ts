import type { CryptoProvider } from '../crypto/provider.js';

/** Bytes of a SHA-256. */
export const HASH_BYTES = 32;

/** SHA-256 over these bytes, one behind the other. */
export function sha256Of(crypto: CryptoProvider, ...parts: readonly Uint8Array[]): Uint8Array {
  const stream = crypto.sha256Stream();
  for (const part of parts) stream.update(part);
  return stream.digest();
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Hash of a leaf (RFC 6962, section 2.1). */
export const leafHash = (crypto: CryptoProvider, data: Uint8Array): Uint8Array =>
  sha256Of(crypto, LEAF, data);

/** Hash of a node above two others (RFC 6962, section 2.1). */
export const nodeHash = (crypto: CryptoProvider, left: Uint8Array, right: Uint8Array): Uint8Array =>
  sha256Of(crypto, NODE, left, right);
