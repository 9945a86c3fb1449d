import { describe, expect, test } from '@jest/globals';
import { ReusedMemory } from '../../src/util/reused-memory.js';

describe('memory that is used again', () => {
  test('is what was given back, as long as is asked for', () => {
    const memory = new ReusedMemory();
    const first = memory.take(65_552);
    memory.give(first.subarray(0, 65_000));
    const second = memory.take(65_000);
    expect(second.buffer).toBe(first.buffer);
    expect(second.length).toBe(65_000);
  });

  test('is never in two hands', () => {
    const memory = new ReusedMemory();
    const [first, second] = [memory.take(20_000), memory.take(20_000)];
    expect(first.buffer).not.toBe(second.buffer);
    memory.give(first);
    memory.give(first);
    expect(memory.take(20_000).buffer).not.toBe(memory.take(20_000).buffer);
  });

  test('is new where what is free is too short, or what was asked for is', () => {
    const memory = new ReusedMemory();
    const short = memory.take(20_000);
    memory.give(short);
    expect(memory.take(65_552).length).toBe(65_552);
    const small = memory.take(100);
    memory.give(small);
    expect(memory.take(100).buffer).not.toBe(small.buffer);
  });

  test('is not what came from elsewhere', () => {
    const memory = new ReusedMemory();
    const foreign = new Uint8Array(65_552);
    memory.give(foreign);
    expect(memory.take(65_552).buffer).not.toBe(foreign.buffer);
  });
});
