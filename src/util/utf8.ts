const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const encodeUtf8 = (text: string): Uint8Array => encoder.encode(text);

/** Writes text into memory, from `at` on. The number of its bytes; `undefined` if there is no room for them all. */
export function encodeUtf8Into(text: string, memory: Uint8Array, at = 0): number | undefined {
  const { read, written } = encoder.encodeInto(text, at === 0 ? memory : memory.subarray(at));
  return read === text.length ? written : undefined;
}

/** Throws a `TypeError` for bytes that are not UTF-8; a byte-order mark is kept, so JSON refuses it. */
export const decodeUtf8 = (bytes: Uint8Array): string => decoder.decode(bytes);
