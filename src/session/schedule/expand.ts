import { concat } from '../../crypto/bytes.js';
import type { Hmac } from '../../crypto/provider.js';
import { type Awaitable, later } from '../../util/awaitable.js';

/** HKDF-Expand of RFC 5869 with SHA-256: one or two blocks of 32 bytes. `prk`: HMAC with the pseudorandom key. */
export const expand = (prk: Hmac, info: Uint8Array, blocks: 1 | 2): Awaitable<Uint8Array> =>
  later(prk.tag(concat([info, ONE])), (first) =>
    blocks === 1 ? first : later(prk.tag(concat([first, info, TWO])), (second) => concat([first, second])),
  );

const ONE = Uint8Array.of(1);
const TWO = Uint8Array.of(2);
