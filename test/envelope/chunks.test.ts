import { describe, expect, test } from '@jest/globals';
import { suiteFor } from '../../src/crypto/suites.js';
import { Chunks, MAX_CHUNK_BYTES } from '../../src/envelope/chunks.js';
import { labelOf } from '../../src/envelope/kinds.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { providers } from '../vectors/load.js';

const suite = suiteFor(2, true);
const of = { suite, label: labelOf(suite, 'answer') };
const SECRET = new Uint8Array(96).fill(7);
const HEADER = encodeUtf8('the header of an answer');
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');

describe.each(providers)('chunks of an answer: %s', (_, crypto) => {
  const pair = async (): Promise<[Chunks, Chunks]> => [
    await Chunks.of(crypto, of, SECRET, HEADER),
    await Chunks.of(crypto, of, SECRET, HEADER),
  ];
  /** Three chunks, sealed. */
  async function three() {
    const [writer, reader] = await pair();
    const sealed: Uint8Array[] = [];
    for (const [at, text] of ['a', 'b', 'c'].entries())
      sealed.push(await writer.seal(encodeUtf8(text), at === 2));
    return { sealed, writer, reader };
  }
  /** What a reader makes of them: `-` for what does not open. */
  async function read(reader: Chunks, chunks: readonly (readonly [Uint8Array, boolean])[]): Promise<string> {
    let text = '';
    for (const [bytes, isFinal] of chunks) {
      const opened = await reader.open(bytes, isFinal);
      text += opened ? Buffer.from(opened).toString() : '-';
    }
    return text;
  }

  test('open in their order, each 16 bytes longer than its content', async () => {
    const { sealed, writer, reader } = await three();
    expect(sealed.map(({ length }) => length)).toEqual([17, 17, 17]);
    expect(
      await read(
        reader,
        sealed.map((one, at) => [one, at === 2]),
      ),
    ).toBe('abc');
    expect([writer.count, reader.count]).toEqual([3, 3]);
    expect(hex(reader.end().transcript)).toBe(hex(writer.end().transcript));
  });

  test.each([0, 1, MAX_CHUNK_BYTES - 1, MAX_CHUNK_BYTES])('may hold %i bytes', async (length) => {
    const [writer, reader] = await pair();
    const content = crypto.randomBytes(length);
    const sealed = await writer.seal(content, true);
    expect(hex(await reader.open(sealed, true))).toBe(hex(content));
  });

  test('none opens in the place of another, or a second time', async () => {
    const [a, b, c] = (await three()).sealed as [Uint8Array, Uint8Array, Uint8Array];
    const orders: [readonly (readonly [Uint8Array, boolean])[], string][] = [
      [[[b, false]], '-'], // the first is left out
      [
        [
          [a, false],
          [c, true],
        ],
        'a-',
      ], // one in the middle is left out
      [
        [
          [b, false],
          [a, false],
          [c, true],
        ],
        '--c',
      ], // two changed places
      [
        [
          [a, false],
          [a, false],
        ],
        'a-',
      ], // one came twice
      [
        [
          [a, false],
          [b, false],
          [c, true],
          [c, true],
        ],
        'abc-',
      ], // so did the last
    ];
    for (const [chunks, expected] of orders) expect(await read((await pair())[1], chunks)).toBe(expected);
  });

  test('the last one is the last, and no other can be', async () => {
    const { sealed } = await three();
    const [a, b, c] = sealed as [Uint8Array, Uint8Array, Uint8Array];
    expect(await read((await pair())[1], [[a, true]])).toBe('-');
    expect(
      await read((await pair())[1], [
        [a, false],
        [b, true],
      ]),
    ).toBe('a-');
    expect(
      await read((await pair())[1], [
        [a, false],
        [b, false],
        [c, false],
      ]),
    ).toBe('ab-');
  });

  test('a cut or changed one does not open', async () => {
    const { sealed } = await three();
    const [a] = sealed as [Uint8Array];
    for (const bad of [a.subarray(0, -1), a.subarray(1), a.subarray(0, 15), new Uint8Array(0), flipped(a)])
      expect(await (await pair())[1].open(bad, false)).toBeUndefined();
  });

  test('belong to one header, one secret, one suite and one label', async () => {
    const v3 = suiteFor(3, true);
    const others = [
      Chunks.of(crypto, of, SECRET, encodeUtf8('another header')),
      Chunks.of(crypto, of, SECRET.slice(1), HEADER),
      Chunks.of(crypto, { suite, label: labelOf(suite, 'message') }, SECRET, HEADER),
      Chunks.of(crypto, { suite: v3, label: labelOf(v3, 'answer') }, SECRET, HEADER),
    ];
    const [a] = (await three()).sealed as [Uint8Array];
    for (const other of others) expect(await (await other).open(a, false)).toBeUndefined();
  });

  test('what is signed at the end depends on the header, on how many there are and on each of them', async () => {
    const ends = new Set<string | undefined>();
    const end = async (texts: readonly string[], header = HEADER) => {
      const chunks = await Chunks.of(crypto, of, SECRET, header);
      for (const [at, text] of texts.entries()) await chunks.seal(encodeUtf8(text), at === texts.length - 1);
      const { transcript, label } = chunks.end();
      expect(Buffer.from(label).toString()).toMatch(/^xlink\/1 answer end v2 /);
      expect(transcript.length).toBeLessThan(200);
      ends.add(hex(transcript));
    };
    await end(['a', 'b']);
    await end(['a', 'b'], encodeUtf8('another header'));
    await end(['b', 'a']);
    await end(['a', 'c']);
    await end(['a', 'b', '']);
    await end(['ab']);
    expect(ends.size).toBe(6);
  });
});

const flipped = (bytes: Uint8Array) => bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte));

test('all providers seal the same', async () => {
  const sealed = new Set<string | undefined>();
  for (const [, crypto] of providers) {
    const chunks = await Chunks.of(crypto, of, SECRET, HEADER);
    const bytes = [await chunks.seal(encodeUtf8('a'), false), await chunks.seal(encodeUtf8('b'), true)];
    sealed.add([...bytes, chunks.end().transcript].map(hex).join());
  }
  expect([providers.length > 1, sealed.size]).toEqual([true, 1]);
});
