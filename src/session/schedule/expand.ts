import { concat } from '../../crypto/bytes.js';
import type { Hmac } from '../../crypto/provider.js';
import { type Awaitable, later } from '../../util/awaitable.js';
import { passingMemory } from '../../util/passing-memory.js';

const HASH_BYTES = 32;

/** HKDF-Expand of RFC 5869 with SHA-256: one or two blocks of 32 bytes. `prk`: HMAC with the pseudorandom key. */
export function expand(prk: Hmac, info: Uint8Array, blocks: 1 | 2): Awaitable<Uint8Array> {
  const block = passingMemory(HASH_BYTES + info.length + 1); // the one before, info, and the number of the block
  block.set(info, HASH_BYTES);
  block[block.length - 1] = 1;
  return later(prk.tag(block.subarray(HASH_BYTES)), (first) => {
    if (blocks === 1) return first;
    block.set(first);
    block[block.length - 1] = 2;
    return later(prk.tag(block), (second) => concat([first, second]));
  });
}
