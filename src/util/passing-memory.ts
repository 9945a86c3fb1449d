/** Small enough that what keeps one piece alive keeps little else. */
const BLOCK_BYTES = 16_384;
/** Longer pieces have memory of their own. */
const MAX_PIECE_BYTES = BLOCK_BYTES / 4;

let block = new Uint8Array(0);
let at = 0;

/**
 * Memory for bytes that pass by: what is hashed, sealed or sent, and then forgotten. To ask the system for it takes a few hundred
 * nanoseconds to two microseconds a time, which with a dozen transcripts is more than a cipher costs. A piece is never given out
 * twice, but lies in a block with others: nothing of it may be kept, and its `buffer` goes to nobody else.
 */
export function passingMemory(length: number): Uint8Array {
  if (length > MAX_PIECE_BYTES) return new Uint8Array(length);
  if (at + length > block.length) {
    block = new Uint8Array(BLOCK_BYTES);
    at = 0;
  }
  const piece = block.subarray(at, at + length);
  at += length;
  return piece;
}
