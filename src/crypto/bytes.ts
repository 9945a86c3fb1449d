/** Joins byte strings. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Joins byte strings, each behind its length as 32 bits, big-endian: two different lists never give the same bytes. */
export function lengthPrefixed(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += 4 + part.length;
  const out = new Uint8Array(length);
  const view = new DataView(out.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    out.set(part, at + 4);
    at += 4 + part.length;
  }
  return out;
}

/** An unsigned integer up to 2^53-1 as 64 bits, big-endian. */
export function uint64(value: number): Uint8Array {
  const out = new Uint8Array(8);
  const view = new DataView(out.buffer);
  view.setUint32(0, Math.floor(value / 2 ** 32));
  view.setUint32(4, value % 2 ** 32);
  return out;
}

/** Compares without stopping at the first difference. Lengths are not secret. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

export const EMPTY = new Uint8Array(0);

/**
 * Reads what {@link lengthPrefixed} wrote: `count` parts and the rest, or all there are. `undefined` if a length points
 * behind the end.
 */
export function readLengthPrefixed(
  bytes: Uint8Array,
  count = Number.POSITIVE_INFINITY,
): { readonly parts: Uint8Array[]; readonly rest: Uint8Array } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let at = 0;
  while (parts.length < count && (Number.isFinite(count) || at < bytes.length)) {
    if (at + 4 > bytes.length) return undefined;
    const end = at + 4 + view.getUint32(at);
    if (end > bytes.length) return undefined;
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return { parts, rest: bytes.subarray(at) };
}
