import { base64urlnopad } from '@scure/base';

/** The part of Node's Buffer used here; present in Node, Bun and Deno, absent in browsers and on the edge. */
interface BufferLike {
  from(data: string, encoding: 'base64url'): Uint8Array;
  from(data: ArrayBufferLike, offset: number, length: number): { toString(encoding: 'base64url'): string };
}
const NativeBuffer = (globalThis as { Buffer?: BufferLike }).Buffer;

const ALPHABET = /^[A-Za-z0-9_-]*$/;
/** Last characters whose unused low bits are zero, by `length % 4`. RFC 4648 3.5: anything else is another spelling. */
const CANONICAL_END: Record<number, RegExp> = { 2: /[AQgw]$/, 3: /[AEIMQUYcgkosw048]$/ };

/** base64url without padding (RFC 4648 section 5). */
export function encodeBase64url(bytes: Uint8Array): string {
  if (!NativeBuffer) return base64urlnopad.encode(bytes);
  return NativeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/** Strict inverse of {@link encodeBase64url}: `undefined` for padding, foreign characters and non-canonical endings. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  const tail = text.length % 4;
  if (tail === 1 || !ALPHABET.test(text)) return undefined;
  if (tail !== 0 && !CANONICAL_END[tail]!.test(text)) return undefined;
  return NativeBuffer ? NativeBuffer.from(text, 'base64url') : base64urlnopad.decode(text);
}

/** Characters that {@link encodeBase64url} needs for `byteLength` bytes. */
export const base64urlLength = (byteLength: number): number => Math.ceil((byteLength * 4) / 3);
