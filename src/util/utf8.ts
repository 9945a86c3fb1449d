const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const encodeUtf8 = (text: string): Uint8Array => encoder.encode(text);

/** The part of Node's Buffer used here; present in Node, Bun and Deno, absent in browsers and on the edge. */
const NativeBuffer = (globalThis as { Buffer?: { from(text: string, encoding: 'utf8'): Uint8Array } }).Buffer;

/** The same for bytes that are read at once and not kept: those of short texts share memory, which costs less to get and to give back. */
export const encodeBriefly = (text: string): Uint8Array =>
  NativeBuffer ? NativeBuffer.from(text, 'utf8') : encoder.encode(text);

/** Throws a `TypeError` for bytes that are not UTF-8; a byte-order mark is kept, so JSON refuses it. */
export const decodeUtf8 = (bytes: Uint8Array): string => decoder.decode(bytes);
