import { describe, expect, test } from '@jest/globals';
import { base64urlnopad } from '@scure/base';
import { base64urlLength, decodeBase64url, encodeBase64url } from '../../src/util/base64url.js';

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 73 + 41) & 255);
const LENGTHS = [0, 1, 2, 3, 4, 5, 6, 16, 31, 32, 33, 64];

describe('base64url', () => {
  test.each([
    ['', ''],
    ['66', 'Zg'],
    ['666f', 'Zm8'],
    ['666f6f', 'Zm9v'],
    ['666f6f62', 'Zm9vYg'],
    ['fbff', '-_8'],
    ['ffffff', '____'],
  ])('of %s is %j (RFC 4648)', (hex, text) => {
    expect(encodeBase64url(Buffer.from(hex, 'hex'))).toBe(text);
    expect(Buffer.from(decodeBase64url(text)!).toString('hex')).toBe(hex);
  });

  test.each(LENGTHS)('%i bytes go there and back, as another implementation has them', (length) => {
    const bytes = bytesOf(length);
    const text = encodeBase64url(bytes);
    expect(text).toBe(base64urlnopad.encode(bytes));
    expect(text).toHaveLength(base64urlLength(length));
    expect([...decodeBase64url(text)!]).toEqual([...bytes]);
  });

  test('encodes a view, not the buffer behind it', () => {
    const buffer = bytesOf(100);
    expect(encodeBase64url(buffer.subarray(10, 20))).toBe(base64urlnopad.encode(buffer.slice(10, 20)));
  });

  const CHARACTERS = [
    ...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)),
    ...'\u0100\u2028\u{1F422}\uff21\ud800',
    '',
  ];

  test.each(LENGTHS)(
    'of %i bytes with any one character replaced, put in or left out has one meaning or none',
    (length) => {
      const text = encodeBase64url(bytesOf(length));
      const ambiguous: string[] = [];
      for (let at = 0; at <= text.length; at++) {
        for (const character of CHARACTERS) {
          for (const rest of [text.slice(at), text.slice(at + 1)]) {
            const changed = text.slice(0, at) + character + rest;
            const bytes = decodeBase64url(changed);
            if (bytes && encodeBase64url(bytes) !== changed) ambiguous.push(changed);
          }
        }
      }
      expect(ambiguous).toEqual([]);
    },
  );

  test.each([
    'A',
    'AAAAA',
    'Zg=',
    'Zg==',
    'Zh',
    'Zm9',
    'Zm+v',
    'Zm/v',
    'Zm 9v',
    'Zm9v\n',
    ' Zm9v',
    'Zm9v=',
    '=',
    'Zm\u00009v',
  ])('does not take %j', (text) => {
    expect(decodeBase64url(text)).toBeUndefined();
  });

  test('takes of all one- and two-character endings only the canonical ones', () => {
    const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];
    expect(alphabet.filter((c) => decodeBase64url(`A${c}`))).toHaveLength(4);
    expect(alphabet.filter((c) => decodeBase64url(`AA${c}`))).toHaveLength(16);
  });
});
