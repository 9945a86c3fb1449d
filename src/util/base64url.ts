import { base64urlnopad } from '@scure/base';

/** The part of Node's Buffer used here; present in Node, Bun and Deno, absent in browsers and on the edge. */
interface BufferLike {
  from(data: string, encoding: 'base64url'): Uint8Array;
  from(data: ArrayBufferLike, offset: number, length: number): NativeBytes;
}
interface NativeBytes {
  toString(encoding: 'base64url'): string;
  latin1Slice?(start: number, end: number): string;
  base64urlWrite?(text: string, at: number, length: number): number;
}
const NativeBuffer = (globalThis as { Buffer?: BufferLike }).Buffer;

/** base64url without padding (RFC 4648 section 5). */
export function encodeBase64url(bytes: Uint8Array): string {
  if (!NativeBuffer) return base64urlnopad.encode(bytes);
  return nativeOf(bytes)!.toString('base64url');
}

const nativeOf = ({ buffer, byteOffset, byteLength }: Uint8Array): NativeBytes | undefined =>
  NativeBuffer?.from(buffer, byteOffset, byteLength);

/**
 * Strict inverse of {@link encodeBase64url}: `undefined` for padding, foreign characters and non-canonical endings
 * (RFC 4648 3.5). What does not encode back to the same text was another spelling.
 */
export function decodeBase64url(text: string): Uint8Array | undefined {
  const bytes = NativeBuffer ? NativeBuffer.from(text, 'base64url') : decodePortably(text);
  return bytes && isEncodingOf(bytes, text) ? bytes : undefined;
}

/** What is handled at once of long texts, in bytes and characters: large copies cost more to collect as garbage than to make. */
const PART_BYTES = 6144;
const PART_CHARACTERS = (PART_BYTES / 3) * 4;

function isEncodingOf(bytes: Uint8Array, text: string): boolean {
  if (bytes.length <= PART_BYTES) return encodeBase64url(bytes) === text;
  if (text.length !== base64urlLength(bytes.length)) return false;
  for (let at = 0; at < bytes.length; at += PART_BYTES) {
    const part = encodeBase64url(bytes.subarray(at, at + PART_BYTES));
    if (!text.startsWith(part, (at / 3) * 4)) return false;
  }
  return true;
}

/** The same for a text that is given as its ASCII bytes, of which no text is made. */
export function decodeBase64urlBytes(text: Uint8Array): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  if (text.length !== base64urlLength(bytes.length)) return undefined;
  const [from, to] = [nativeOf(text), nativeOf(bytes)];
  for (let at = 0; at < text.length; at += PART_CHARACTERS) {
    const end = Math.min(at + PART_CHARACTERS, text.length);
    const part = from?.latin1Slice?.(at, end) ?? String.fromCharCode(...text.subarray(at, end));
    const start = (at / 4) * 3;
    const target = bytes.subarray(start, start + PART_BYTES);
    const isWhole = to?.base64urlWrite
      ? to.base64urlWrite(part, start, target.length) === target.length && encodeBase64url(target) === part
      : copied(decodeBase64url(part), target);
    if (!isWhole) return undefined;
  }
  return bytes;
}

function copied(bytes: Uint8Array | undefined, target: Uint8Array): boolean {
  if (bytes?.length !== target.length) return false;
  target.set(bytes);
  return true;
}

/** The bytes of a text that is known to be base64 in its one spelling, with or without padding, in either alphabet. */
export function bytesOfBase64(text: string): Uint8Array {
  if (NativeBuffer) return NativeBuffer.from(text, 'base64url');
  return base64urlnopad.decode(text.replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_'));
}

function decodePortably(text: string): Uint8Array | undefined {
  try {
    return base64urlnopad.decode(text);
  } catch {
    return undefined;
  }
}

/** Characters that {@link encodeBase64url} needs for `byteLength` bytes. */
export const base64urlLength = (byteLength: number): number => Math.ceil((byteLength * 4) / 3);
