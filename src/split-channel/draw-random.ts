import type { RandomBytes } from '../types/protocol.js';

/** Up to here copying costs less than a call. */
const ONE_CALL_BYTES = 16 * 1024;

/**
 * Random byte strings of these lengths. Each has memory of its own: a view of shared memory takes all of it along when it is
 * cloned or sent to a worker, and with it the other pieces.
 */
export function drawRandom(randomBytes: RandomBytes, lengths: readonly number[]): Uint8Array[] {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total > ONE_CALL_BYTES) return lengths.map((length) => randomBytes(length));
  const all = randomBytes(total);
  let at = 0;
  return lengths.map((length) => new Uint8Array(all.subarray(at, (at += length))));
}
