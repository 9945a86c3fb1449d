import { randomBytes, randomFillSync } from 'node:crypto';

/** Nonces, salts and IDs, which every message needs and which are no secrets. Keys and seeds are longer, and drawn each for itself. */
const SHORT = 16;
const POOL_BYTES = 2048;

let pool: Uint8Array | undefined;
let at = POOL_BYTES;

/** Random bytes of the system. Short ones come many at a time, as asking for them costs more than sealing with them. */
export function random(length: number): Uint8Array {
  if (length > SHORT) return randomBytes(length);
  pool ??= new Uint8Array(POOL_BYTES);
  if (at + length > POOL_BYTES) {
    randomFillSync(pool);
    at = 0;
  }
  const drawn = pool.slice(at, at + length);
  pool.fill(0, at, at + length); // nobody else is to find them there
  at += length;
  return drawn;
}
