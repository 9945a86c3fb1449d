import { decodeUtf8, encodeUtf8 } from './utf8.js';

/** The part of Node's Buffer used here; present in Node, Bun and Deno, absent in browsers and on the edge. */
const NativeBuffer = (
  globalThis as {
    Buffer?: { from(text: string, encoding: 'latin1'): { toString(encoding: 'latin1'): string } };
  }
).Buffer;

/**
 * The same ASCII text in memory of its own. Engines make substrings as views: one DID that was cut out of a body keeps the
 * whole body in memory for as long as a cache remembers the DID.
 */
export const ownText = (text: string): string =>
  NativeBuffer ? NativeBuffer.from(text, 'latin1').toString('latin1') : decodeUtf8(encodeUtf8(text));
