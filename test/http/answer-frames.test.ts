import { describe, expect, test } from '@jest/globals';
import { concat } from '../../src/crypto/bytes.js';
import { encodeFrames, FRAME, FrameReader } from '../../src/http/answer-frames.js';

const encodeFrame = (type: number, bytes: Uint8Array) => Buffer.concat(encodeFrames([{ type, bytes }]));
const BYTES = concat([
  encodeFrame(FRAME.head, Buffer.from('{}')),
  encodeFrame(FRAME.chunk, new Uint8Array(0)),
  encodeFrame(FRAME.chunk, Buffer.from('abc')),
  encodeFrame(FRAME.finalChunk, Buffer.from('d')),
  encodeFrame(FRAME.end, new Uint8Array(64)),
]);
const FRAMES = ['1 2', '2 0', '2 3', '3 1', '4 64', 'over'];

/** All that a reader makes of pieces. */
async function read(pieces: readonly Uint8Array[]): Promise<string[]> {
  const left = [...pieces];
  const reader = new FrameReader(async () => left.shift());
  const found: string[] = [];
  for (;;) {
    const frame = await reader.next();
    if (frame === undefined) return [...found, 'over'];
    if (typeof frame === 'string') return [...found, frame];
    found.push(`${frame.type} ${frame.bytes.length}`);
  }
}

/** A prefix that says a type and a length. */
const prefix = (type: number, length: number) => {
  const bytes = Buffer.alloc(5);
  bytes[0] = type;
  bytes.writeUInt32BE(length, 1);
  return bytes;
};

describe('frames of an answer', () => {
  test('are a type, a length of 32 bits and the bytes', () => {
    expect(Buffer.from(encodeFrame(FRAME.head, Buffer.from('ab'))).toString('hex')).toBe('01000000026162');
  });

  test('are read from one piece, from pieces of one byte, and from two pieces wherever they meet', async () => {
    expect(await read([BYTES])).toEqual(FRAMES);
    expect(await read([...BYTES].map((byte) => Uint8Array.of(byte)))).toEqual(FRAMES);
    for (let at = 0; at <= BYTES.length; at++)
      expect([at, await read([BYTES.subarray(0, at), BYTES.subarray(at)])]).toEqual([at, FRAMES]);
  });

  test('keep their bytes, whatever comes behind', async () => {
    const pieces = [...BYTES].map((byte) => Uint8Array.of(byte));
    const reader = new FrameReader(async () => pieces.shift());
    const all = [await reader.next(), await reader.next(), await reader.next(), await reader.next()];
    const text = (all as { bytes: Uint8Array }[]).map(({ bytes }) => Buffer.from(bytes).toString());
    expect(text).toEqual(['{}', '', 'abc', 'd']);
  });

  test('that end in the middle are broken, wherever that is', async () => {
    const ends = new Set([0, 7, 12, 20, 26, BYTES.length]);
    for (let at = 0; at <= BYTES.length; at++)
      expect([at, (await read([BYTES.subarray(0, at)])).at(-1)]).toEqual([
        at,
        ends.has(at) ? 'over' : 'broken',
      ]);
  });

  test.each([0, 6, 7, 123, 255])('of the type %i are none', async (type) => {
    expect(await read([encodeFrame(type, new Uint8Array(1))])).toEqual(['malformed']);
    expect(await read([encodeFrame(type, new Uint8Array(0))])).toEqual(['malformed']);
  });

  test.each([
    [FRAME.head, 32_768],
    [FRAME.chunk, 32 + 2 * 65_536 + 16],
    [FRAME.finalChunk, 32 + 2 * 65_536 + 16],
    [FRAME.end, 64 + 3309],
  ])('of the type %i have at most %i bytes; of more, none is read', async (type, most) => {
    expect(await read([encodeFrame(type, new Uint8Array(most))])).toEqual([`${type} ${most}`, 'over']);
    for (const length of [most + 1, 2 ** 31, 2 ** 32 - 1]) {
      let reads = 0;
      const reader = new FrameReader(async () => (reads++ === 0 ? prefix(type, length) : undefined));
      expect([await reader.next(), reads]).toEqual(['malformed', 1]);
    }
  });

  test('fail as their source fails', async () => {
    const failing = new FrameReader(() => Promise.reject(new Error('reset')));
    await expect(failing.next()).rejects.toThrow('reset');
  });
});
