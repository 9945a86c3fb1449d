import { isEqual, sha256 } from './primitives.js';

export { sha256 };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** UTF-8. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> =>
  encoder.encode(text) as Uint8Array<ArrayBuffer>;

/** The text of UTF-8; what is none becomes U+FFFD. */
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Bytes, a text as UTF-8, or a whole number from 0 to 2^53 - 1 as 8 bytes, big-endian. */
export type Part = Uint8Array | string | number;

const bytesOf = (part: Part): Uint8Array => {
  if (typeof part === 'string') return utf8(part);
  if (typeof part !== 'number') return part;
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(part));
  return out;
};

/** Joins parts, each behind its length as 4 bytes, big-endian: two different lists never give the same bytes. */
export function lengthPrefixed(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const all = parts.map(bytesOf);
  const out = new Uint8Array(all.reduce((sum, { length }) => sum + 4 + length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const one of all) {
    view.setUint32(at, one.length);
    out.set(one, at + 4);
    at += 4 + one.length;
  }
  return out;
}

/** The parts that {@link lengthPrefixed} joined; `undefined` for anything else. */
export function partsOf(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = view.getUint32(at);
    if (at + 4 + length > bytes.length) return undefined;
    parts.push(Uint8Array.from(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return at === bytes.length ? parts : undefined;
}

/** The number of 8 bytes, big-endian. */
export const numberOf = (bytes: Uint8Array): number =>
  Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0));

/** Whether two byte strings or texts are equal, in a time that says nothing about where they differ. */
export const sameBytes = (a: Uint8Array | string, b: Uint8Array | string): boolean =>
  isEqual(sha256(a), sha256(b));

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

export function toBase64url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The bytes of canonical base64url without padding, if there are as many; `undefined` for anything else. */
export function fromBase64url(text: unknown, length?: number): Uint8Array<ArrayBuffer> | undefined {
  if (typeof text !== 'string' || text.length > 65_536 || !/^[\w-]*$/.test(text) || text.length % 4 === 1)
    return undefined;
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  if (toBase64url(bytes) !== text || (length !== undefined && bytes.length !== length)) return undefined;
  return bytes;
}

/** Overwrites what was secret, as far as that goes: copies that the engine made stay where they are. */
export function wipe(...all: readonly (Uint8Array | undefined)[]): void {
  for (const one of all) one?.fill(0);
}

/** Whether a value is an object with members. */
export const isMembers = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The JSON value of a text; `undefined` if it is none. The parser's error would quote it. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The object without members that are `undefined`. */
export const given = <T extends object>(members: T) =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
