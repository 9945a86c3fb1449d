import { expect, test } from '@jest/globals';
import { passingMemory } from '../../src/util/passing-memory.js';

test('no two pieces share a byte, and each is as long as was asked for', () => {
  const lengths = Array.from({ length: 2000 }, (_, nr) => (nr * 37) % 4300);
  const pieces = lengths.map((length, nr) => passingMemory(length).fill(nr % 251));
  for (const [nr, piece] of pieces.entries()) {
    expect(piece.length).toBe(lengths[nr]);
    expect(piece.every((byte) => byte === nr % 251)).toBe(true);
  }
});

test('long pieces have memory of their own', () => {
  expect(passingMemory(4097).buffer.byteLength).toBe(4097);
});
