/** Small enough to stay in the first-level cache while all sources pass over it. */
const CHUNK_WORDS = 2048;

/** The XOR of byte strings of one length, at least one, in memory of its own. */
export function xorAll([first, ...rest]: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(first!);
  const words = wordsOf(out);
  const sources = rest.map((bytes) => wordsOf(aligned(bytes)));
  for (let from = 0; from < words.length; from += CHUNK_WORDS) {
    const to = Math.min(words.length, from + CHUNK_WORDS);
    for (const source of sources) for (let i = from; i < to; i++) words[i]! ^= source[i]!;
  }
  for (const source of rest) for (let i = words.length * 4; i < out.length; i++) out[i]! ^= source[i]!;
  return out;
}

const wordsOf = (bytes: Uint8Array): Uint32Array =>
  new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);

const aligned = (bytes: Uint8Array): Uint8Array =>
  bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
