const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const encodeUtf8 = (text: string): Uint8Array => encoder.encode(text);

/** Throws a `TypeError` for bytes that are not UTF-8; a byte-order mark is kept, so JSON refuses it. */
export const decodeUtf8 = (bytes: Uint8Array): string => decoder.decode(bytes);
