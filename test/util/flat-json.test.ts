import { describe, expect, test } from '@jest/globals';
import { encodeEnvelope, readFlatJson } from '../../src/envelope/flat-json.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { thrownBy } from '../support/results.js';

const read = (text: string) => Object.fromEntries(readFlatJson(text, 10_000));
const refusal = async (input: string | Uint8Array, maxBytes = 10_000) =>
  (await thrownBy(() => readFlatJson(input, maxBytes))).id;

describe('flat JSON', () => {
  test.each([
    ['{"a":"b"}', { a: 'b' }],
    ['{"a":""}', { a: '' }],
    ['{"a":0}', { a: 0 }],
    ['{"a":9007199254740991}', { a: 9007199254740991 }],
    ['{"a":1,"b":"c"}', { a: 1, b: 'c' }],
    [' {\n\t"a" : 1 ,\r\n "b" : "c" } \n', { a: 1, b: 'c' }],
    ['{"a":" !#$%&\'()*+,-./:;<=>?@[]^_`{|}~"}', { a: " !#$%&'()*+,-./:;<=>?@[]^_`{|}~" }],
  ])('%j reads as JSON.parse reads it', (text, expected) => {
    expect(read(text)).toEqual(expected);
    expect(JSON.parse(text)).toEqual(expected);
  });

  test('reads text and its bytes alike', () => {
    const text = '{"version":2,"scope":"a:b"}';
    expect([...readFlatJson(encodeUtf8(text), 100)]).toEqual([...readFlatJson(text, 100)]);
  });

  test('reads back what it writes', () => {
    const envelope = { version: 2, scope: 'a', payload: 'AA_-' };
    expect(read(Buffer.from(encodeEnvelope(envelope)).toString())).toEqual(envelope);
  });

  test('members of every object are members like any other, and reach no prototype', () => {
    const members = readFlatJson('{"__proto__":"x","constructor":"y"}', 100);
    expect([...members.keys()]).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('whatever it takes, JSON.parse reads the same', () => {
    const pieces = [
      '"a"',
      '"b"',
      ':',
      '"c":',
      '"d":1',
      ',',
      '1',
      '0',
      '-',
      '""',
      ' ',
      '{',
      '}',
      '[1]',
      'null',
      '\\',
    ];
    let state = 1;
    const next = (below: number) => {
      state = (state * 48271) % 0x7fffffff; // the "minimal standard" generator: the same texts in every run
      return state % below;
    };
    let taken = 0;
    for (let i = 0; i < 60_000; i++) {
      const text = `{${Array.from({ length: 2 + next(6) }, () => pieces[next(pieces.length)]).join('')}}`;
      let members: unknown;
      try {
        members = read(text);
      } catch {
        continue;
      }
      taken++;
      expect(members).toEqual(JSON.parse(text));
    }
    expect(taken).toBeGreaterThan(20);
  });

  test.each([
    '',
    '{}',
    '[]',
    '"a"',
    '1',
    'null',
    '{"a"}',
    '{"a":}',
    '{"a":1',
    '{"a":1,}',
    '{,"a":1}',
    '{"a":1}}',
    '{"a":1} x',
    '{"a":1,,"b":2}',
    '{a:1}',
    "{'a':1}",
    '{"a":\'b\'}',
    '{"":1}',
    '{"a b":1}',
    '{"a":+1}',
    '{"a":-1}',
    '{"a":01}',
    '{"a":1.0}',
    '{"a":1e3}',
    '{"a":0x1}',
    '{"a":12345678901234567}',
    '{"a":NaN}',
    '{"a":true}',
    '{"a":null}',
    '{"a":{}}',
    '{"a":[]}',
    '{"a":"\\n"}',
    '{"a":"\n"}',
    '{"a":"\u007f"}',
    '{"a":"é"}',
    '{"a":"b}',
    '\ufeff{"a":1}',
    '\u2003{"a":1}',
    '\u000b{"a":1}',
    `{"${'a'.repeat(65)}":1}`,
  ])('does not take %j', async (text) => {
    expect(await refusal(text)).toBe('PARSE_FAILED:SYNTAX');
  });

  test('does not take a name twice, whatever the values', async () => {
    expect(await refusal('{"a":1,"a":1}')).toBe('PARSE_FAILED:DUPLICATE_FIELD');
    expect(await refusal('{"a":1,"b":2,"a":"1"}')).toBe('PARSE_FAILED:DUPLICATE_FIELD');
    expect(await refusal('{"__proto__":1,"__proto__":1}')).toBe('PARSE_FAILED:DUPLICATE_FIELD');
  });

  test('looks at the size first', async () => {
    expect(await refusal('x'.repeat(11), 10)).toBe('ENVELOPE_TOO_LARGE');
    expect(await refusal(new Uint8Array(11), 10)).toBe('ENVELOPE_TOO_LARGE');
    expect(await refusal('x'.repeat(10), 10)).toBe('PARSE_FAILED:SYNTAX');
  });

  test('reads a text of many megabytes', () => {
    const payload = 'A'.repeat(2 ** 24);
    expect(readFlatJson(`{"payload":"${payload}"}`, 2 ** 25).get('payload')).toHaveLength(2 ** 24);
  });
});
