import { concat } from './bytes.js';
import type { CryptoProvider } from './provider.js';

const BLOCK_BYTES = 64;

/** HMAC-SHA256 (RFC 2104) with a key of at most 64 bytes; 32 bytes. For short messages: they are copied. */
export async function hmacSha256(
  { sha256 }: Pick<CryptoProvider, 'sha256'>,
  key: Uint8Array,
  message: Uint8Array,
): Promise<Uint8Array> {
  const padded = (filler: number) => {
    const block = new Uint8Array(BLOCK_BYTES).fill(filler);
    for (let i = 0; i < key.length; i++) block[i]! ^= key[i]!;
    return block;
  };
  const inner = await sha256(concat([padded(0x36), message]));
  return sha256(concat([padded(0x5c), inner]));
}
