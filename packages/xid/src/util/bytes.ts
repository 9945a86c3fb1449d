import { createHash } from 'node:crypto';

/** Bytes, a text as UTF-8, or a whole number from 0 to 2^53 - 1 as 8 bytes, big-endian. */
export type Part = Uint8Array | string | number;

const bytesOf = (part: Part): Uint8Array => {
  if (typeof part === 'string') return Buffer.from(part, 'utf8');
  if (typeof part !== 'number') return part;
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt(part));
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

export const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

export const toBase64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');

/** The bytes of canonical base64url without padding, if there are as many; `undefined` for anything else. */
export function fromBase64url(text: unknown, length?: number): Uint8Array<ArrayBuffer> | undefined {
  if (typeof text !== 'string' || text.length > 8192) return undefined;
  const bytes = Uint8Array.from(Buffer.from(text, 'base64url'));
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

/** The object without members that are `undefined`. */
export const given = <T extends object>(members: T) =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
