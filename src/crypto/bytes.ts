import { passingMemory } from '../util/passing-memory.js';
import { encodeUtf8 } from '../util/utf8.js';
import type { Memory } from './provider.js';

export const EMPTY = new Uint8Array(0);

/** Where bytes are put: memory of their own, unless it is said otherwise. */
const ownMemory: Memory = (length) => new Uint8Array(length);

/** Joins byte strings. */
export function concat(parts: readonly Uint8Array[], memory = ownMemory): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = memory(length);
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
 * as it is, `front` is in front of all. In one piece of memory, as every message needs several of these.
 */
export function lengthPrefixed(
  parts: readonly Part[],
  rest: Uint8Array = EMPTY,
  front: Uint8Array = EMPTY,
  memory = ownMemory,
): Uint8Array {
  let length = front.length + rest.length;
  for (let i = 0; i < parts.length; i++) length += 4 + lengthOf(parts[i]!);
  const out = memory(length);
  if (front.length > 0) out.set(front);
  let at = front.length;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    const size = lengthOf(part);
    put32(out, at, size);
    at += 4;
    if (typeof part === 'number') put64(out, at, part);
    else if (typeof part !== 'string') out.set(part, at);
    else if (!putAscii(out, at, part)) return lengthPrefixed(parts.map(bytesOf), rest, front, memory);
    at += size;
  }
  if (rest.length > 0) out.set(rest, at);
  return out;
}

/** {@link lengthPrefixed} of what is hashed, sealed or authenticated, and then forgotten. */
export const passingTranscript = (
  parts: readonly Part[],
  rest?: Uint8Array,
  front?: Uint8Array,
): Uint8Array => lengthPrefixed(parts, rest, front, passingMemory);

/** An unsigned integer up to 2^53-1, as 64 bits, big-endian. */
export function put64(out: Uint8Array, at: number, value: number): void {
  put32(out, at, value / 2 ** 32);
  put32(out, at + 4, value);
}

/** An unsigned integer below 2^32, as 32 bits, big-endian. */
export function put32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

/** False for what is not ASCII, of which a character is a byte. */
function putAscii(out: Uint8Array, at: number, text: string): boolean {
  let all = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    all |= code;
    out[at + i] = code;
  }
  return all < 0x80;
}

const bytesOf = (part: Part): Part => (typeof part === 'string' ? encodeUtf8(part) : part);

const lengthOf = (part: Part): number => (typeof part === 'number' ? 8 : part.length);

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
    let end = 0;
    for (let i = 0; i < 4; i++) end = end * 256 + bytes[at + i]!;
    end += at + 4;
    if (end > bytes.length) return undefined;
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return { parts, rest: bytes.subarray(at) };
}
