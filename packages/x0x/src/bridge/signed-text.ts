import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';

/** Parts, each behind its length as 32 bits, big-endian, as all that is signed in xLink. Text is UTF-8; numbers are 64 bits. */
export function lengthPrefixed(parts: readonly (Uint8Array | string | number)[]): Uint8Array {
  return concatBytes(
    ...parts.flatMap((part) => {
      const bytes =
        typeof part === 'string' ? utf8ToBytes(part) : typeof part === 'number' ? bytesOfNumber(part) : part;
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, bytes.length, false);
      return [length, bytes];
    }),
  );
}

function bytesOfNumber(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), false);
  return bytes;
}

/** Base64url without padding. */
export const encodeBytes = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

/**
 * The bytes of base64url; `undefined` for anything else, for another spelling than that of {@link encodeBytes}, and for another length than
 * `length`, if one is given.
 */
export function decodeBytes(text: unknown, length?: number): Uint8Array | undefined {
  if (typeof text !== 'string' || !/^[\w-]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(Buffer.from(text, 'base64url'));
  if (encodeBytes(bytes) !== text) return undefined;
  return length === undefined || bytes.length === length ? bytes : undefined;
}
