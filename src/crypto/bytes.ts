import { encodeUtf8 } from '../util/utf8.js';

export const EMPTY = new Uint8Array(0);

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

/** Bytes; a text, as UTF-8; or an unsigned integer up to 2^53-1, as 64 bits, big-endian. */
export type Part = Uint8Array | string | number;

/**
 * Joins parts, each behind its length as 32 bits, big-endian: two different lists never give the same bytes. `rest` follows
 * as it is. In one piece of memory, as every message needs several of these.
 */
export function lengthPrefixed(parts: readonly Part[], rest: Uint8Array = EMPTY): Uint8Array {
  let length = rest.length;
  for (const part of parts) length += 4 + lengthOf(part);
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    const end = write(out, at + 4, part);
    writeUint32(out, at, end - at - 4);
    at = end;
  }
  out.set(rest, at);
  return out;
}

/** Of a text that is not ASCII, after all of it was encoded. */
function lengthOf(part: Part): number {
  if (typeof part === 'number') return 8;
  if (typeof part === 'string' && !isAscii(part)) return encodeUtf8(part).length;
  return part.length;
}

/** Returns where the part ends. */
function write(out: Uint8Array, at: number, part: Part): number {
  if (typeof part === 'number') {
    writeUint32(out, at, Math.floor(part / 2 ** 32));
    writeUint32(out, at + 4, part % 2 ** 32);
    return at + 8;
  }
  if (typeof part === 'string' && isAscii(part)) {
    for (let i = 0; i < part.length; i++) out[at + i] = part.charCodeAt(i);
    return at + part.length;
  }
  const bytes = typeof part === 'string' ? encodeUtf8(part) : part;
  out.set(bytes, at);
  return at + bytes.length;
}

function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Compares without stopping at the first difference. Lengths are not secret. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/**
 * Reads what {@link lengthPrefixed} wrote: `count` parts and the rest, or all there are. `undefined` if a length points
 * behind the end.
 */
export function readLengthPrefixed(
  bytes: Uint8Array,
  count = Number.POSITIVE_INFINITY,
): { readonly parts: Uint8Array[]; readonly rest: Uint8Array } | undefined {
  const parts: Uint8Array[] = [];
  let at = 0;
  while (parts.length < count && (Number.isFinite(count) || at < bytes.length)) {
    if (at + 4 > bytes.length) return undefined;
    const [a, b, c, d] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!];
    const end = at + 4 + (a * 2 ** 24 + ((b << 16) | (c << 8) | d));
    if (end > bytes.length) return undefined;
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return { parts, rest: bytes.subarray(at) };
}
