import { concat } from '../../crypto/bytes.js';
import type { Hmac } from '../../crypto/provider.js';

/** HKDF-Expand of RFC 5869 with SHA-256: one or two blocks of 32 bytes. `prk`: HMAC with the pseudorandom key. */
export async function expand(prk: Hmac, info: Uint8Array, blocks: 1 | 2): Promise<Uint8Array> {
  const first = await prk.tag(concat([info, ONE]));
  return blocks === 1 ? first : concat([first, await prk.tag(concat([first, info, TWO]))]);
}

const ONE = Uint8Array.of(1);
const TWO = Uint8Array.of(2);
