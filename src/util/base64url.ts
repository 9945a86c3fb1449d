import { base64urlnopad } from '@scure/base';

/** The part of Node's Buffer used here; present in Node, Bun and Deno, absent in browsers and on the edge. */
interface BufferLike {
  from(data: string, encoding: 'base64url'): Uint8Array;
  from(data: ArrayBufferLike, offset: number, length: number): { toString(encoding: 'base64url'): string };
}
const NativeBuffer = (globalThis as { Buffer?: BufferLike }).Buffer;

/** base64url without padding (RFC 4648 section 5). */
export function encodeBase64url(bytes: Uint8Array): string {
  if (!NativeBuffer) return base64urlnopad.encode(bytes);
  return NativeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/**
 * Strict inverse of {@link encodeBase64url}: `undefined` for padding, foreign characters and non-canonical endings
 * (RFC 4648 3.5). What does not encode back to the same text was another spelling.
 */
export function decodeBase64url(text: string): Uint8Array | undefined {
  const bytes = NativeBuffer ? NativeBuffer.from(text, 'base64url') : decodePortably(text);
  return bytes && encodeBase64url(bytes) === text ? bytes : undefined;
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
