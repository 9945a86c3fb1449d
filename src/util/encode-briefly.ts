import { encodeUtf8 } from './utf8.js';

/** The part of Node's Buffer used here; present in Node, Bun and Deno, absent in browsers and on the edge. */
const NativeBuffer = (globalThis as { Buffer?: { from(text: string, encoding: 'utf8'): Uint8Array } }).Buffer;

/** UTF-8 of a text, for bytes that are read at once and not kept: those of short texts share memory, which costs less to get and to give back. */
export const encodeBriefly = (text: string): Uint8Array =>
  NativeBuffer ? NativeBuffer.from(text, 'utf8') : encodeUtf8(text);
