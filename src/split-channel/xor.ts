/** Small enough to stay in the first-level cache while all sources pass over it. */
const CHUNK_WORDS = 2048;

/** The XOR of byte strings of one length, at least one, in memory of its own. */
export function xorAll([first, ...rest]: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(first!);
  xorInto(out, rest);
  return out;
}

/** Changes `out`, which begins at a multiple of 4 in its buffer, to the XOR of itself and others of its length. */
export function xorInto(out: Uint8Array, others: readonly Uint8Array[]): void {
  const words = wordsOf(out);
  const sources = others.map((bytes) => wordsOf(aligned(bytes)));
  for (let from = 0; from < words.length; from += CHUNK_WORDS) {
    const to = Math.min(words.length, from + CHUNK_WORDS);
    let next = 0;
    for (; next + 1 < sources.length; next += 2) {
      const [one, two] = [sources[next]!, sources[next + 1]!]; // two at a time: half as many writes
      for (let i = from; i < to; i++) words[i] = words[i]! ^ one[i]! ^ two[i]!;
    }
    const last = sources[next];
    if (last) for (let i = from; i < to; i++) words[i]! ^= last[i]!;
  }
  for (const source of others) for (let i = words.length * 4; i < out.length; i++) out[i]! ^= source[i]!;
}

const wordsOf = (bytes: Uint8Array): Uint32Array =>
  new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);

const aligned = (bytes: Uint8Array): Uint8Array =>
  bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
