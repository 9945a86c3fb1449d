const BLOCK_BYTES = 64;

/**
 * The key of HMAC-SHA256 (RFC 2104), of at most 64 bytes, as the two blocks that are hashed in front: the tag of a message
 * is `SHA-256(outer || SHA-256(inner || message))`.
 */
export function paddedKeys(key: Uint8Array): { readonly inner: Uint8Array; readonly outer: Uint8Array } {
  const inner = new Uint8Array(BLOCK_BYTES).fill(0x36);
  const outer = new Uint8Array(BLOCK_BYTES).fill(0x5c);
  for (let i = 0; i < key.length; i++) {
    inner[i]! ^= key[i]!;
    outer[i]! ^= key[i]!;
  }
  return { inner, outer };
}
