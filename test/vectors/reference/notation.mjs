// The protocol written a second time, from the text of docs/PROTOCOL.md and on top of noble alone. It shares no line
// with src/: the test vectors it makes and the package check each other. Section numbers are those of that page.
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { base64urlnopad } from '@scure/base';

export { bytesToHex as toHex, concatBytes as concat, hexToBytes as fromHex, sha256, utf8ToBytes as utf8 };
export const b64u = (bytes) => base64urlnopad.encode(bytes);
export const fromB64u = (text) => base64urlnopad.decode(text);

// 1 Notation
export const EMPTY = new Uint8Array(0);
export const u32 = (value) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
export const u64 = (value) => concatBytes(u32(Math.floor(value / 2 ** 32)), u32(value % 2 ** 32));
export const LP = (...parts) => concatBytes(...parts.flatMap((part) => [u32(part.length), part]));
export const hkdfSha256 = (ikm, info, length) => hkdf(sha256, ikm, EMPTY, info, length);
