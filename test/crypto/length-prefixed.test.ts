import { describe, expect, test } from '@jest/globals';
import { lengthPrefixed, type Part, readLengthPrefixed } from '../../src/crypto/bytes.js';
import { decodeUtf8 } from '../../src/util/utf8.js';

/** Written by the platform: a text by TextEncoder, a number by DataView. */
function written(part: Part): Buffer {
  if (typeof part === 'string') return Buffer.from(new TextEncoder().encode(part));
  if (typeof part !== 'number') return Buffer.from(part);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(part));
  return bytes;
}

const TEXTS = [
  '',
  'did:key:z6Mk',
  '\u007f\u0000',
  'é',
  'a\u0080',
  '\ud83d\ude00',
  '\ud800',
  '\ufeffa',
  'x'.repeat(500),
];
const NUMBERS = [
  0,
  1,
  255,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 32 + 1,
  1_764_000_000_000,
  Number.MAX_SAFE_INTEGER,
];
const BYTES = [new Uint8Array(0), Uint8Array.of(0, 255), new Uint8Array(70_000).fill(7)];

describe('parts behind their lengths', () => {
  test.each<[string, Part[]]>([
    ['texts', TEXTS],
    ['numbers', NUMBERS],
    ['bytes', BYTES],
    ['all of them', [...TEXTS, ...NUMBERS, ...BYTES]],
  ])('are written as the platform writes %s, and read back', (_, parts) => {
    const rest = Uint8Array.of(1, 2, 3);
    const list = lengthPrefixed(parts, rest);
    const expected = parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(written(part).length);
      return [length, written(part)];
    });
    expect(Buffer.from(list).equals(Buffer.concat([...expected, rest]))).toBe(true);
    const read = readLengthPrefixed(list, parts.length)!;
    expect(read.parts.map((part) => Buffer.from(part))).toEqual(parts.map(written));
    expect([...read.rest]).toEqual([1, 2, 3]);
  });

  test.each([0x80, 0xff])('whose length points behind the end are none: first byte %i', (first) => {
    expect(readLengthPrefixed(Uint8Array.of(first, 0, 0, 1, 9))).toBeUndefined();
  });
});

test('short and long bytes are the same text, or none', () => {
  for (const text of TEXTS.filter((one) => one !== '\ud800'))
    for (const pad of ['', 'x'.repeat(100)])
      expect(decodeUtf8(new TextEncoder().encode(text + pad))).toBe(text + pad);
  for (const bad of [[0x80], [0xc3], [0xed, 0xa0, 0x80], [0x61, 0xff]])
    expect(() => decodeUtf8(Uint8Array.from(bad))).toThrow();
});
