import { concat, EMPTY } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { isPromiseLike } from '../util/awaitable.js';
import { encodeUtf8, encodeUtf8Into } from '../util/utf8.js';

/** Bytes of a SHA-256. */
export const HASH_BYTES = 32;

/** Whether `sha256` of a provider answers at once: that of `node:crypto` does, and takes a third of the time of a stream. */
const atOnce = new WeakMap<CryptoProvider, boolean>();

/** SHA-256 over these bytes, one behind the other. */
export function sha256Of(crypto: CryptoProvider, ...parts: readonly Uint8Array[]): Uint8Array {
  if (!atOnce.has(crypto)) atOnce.set(crypto, !isPromiseLike(crypto.sha256(EMPTY)));
  if (atOnce.get(crypto)) return crypto.sha256(parts.length === 1 ? parts[0]! : concat(parts)) as Uint8Array;
  const stream = crypto.sha256Stream();
  for (const part of parts) stream.update(part);
  return stream.digest();
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Hash of a leaf (RFC 6962, section 2.1). */
export const leafHash = (crypto: CryptoProvider, data: Uint8Array): Uint8Array =>
  sha256Of(crypto, LEAF, data);

/** Where the text of a leaf is put behind its prefix, used again for the next. Nothing else runs meanwhile. */
let leafMemory = new Uint8Array(1024);

/** The same of text, as UTF-8. */
export function leafHashOfText(crypto: CryptoProvider, text: string): Uint8Array {
  const needed = LEAF.length + text.length; // as long as all is ASCII
  if (needed > leafMemory.length) leafMemory = new Uint8Array(2 * needed);
  const length = encodeUtf8Into(text, leafMemory, LEAF.length);
  if (length === undefined) return leafHash(crypto, encodeUtf8(text));
  return sha256Of(crypto, leafMemory.subarray(0, LEAF.length + length));
}

/** Where both hashes below a node are put together. Nothing else runs meanwhile. */
const pair = new Uint8Array(1 + 2 * HASH_BYTES);
pair.set(NODE);

/** Hash of the node above two hashes that stand one behind the other. */
export function nodeHashOfPair(crypto: CryptoProvider, hashes: Uint8Array): Uint8Array {
  pair.set(hashes, 1);
  return sha256Of(crypto, pair);
}

/** Hash of a node above two others (RFC 6962, section 2.1). */
export function nodeHash(crypto: CryptoProvider, left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) return sha256Of(crypto, NODE, left, right);
  pair.set(left, 1);
  pair.set(right, 1 + HASH_BYTES);
  return sha256Of(crypto, pair);
}
