import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { aes256gcm } from '../../src/crypto/native/classic.js';
import { freeMemory } from '../../src/crypto/native/free-memory.js';

describe('memory of the native provider', () => {
  test('that is given back is empty at once', () => {
    const bytes = new Uint8Array(65_536);
    freeMemory(bytes);
    expect(bytes.length).toBe(0);
  });

  test('that others have, too, is left alone', () => {
    const whole = new Uint8Array(65_536);
    freeMemory(whole.subarray(0, 40_000));
    const pooled = Buffer.from('a few bytes in a pool');
    freeMemory(pooled);
    expect([whole.length, pooled.toString()]).toEqual([65_536, 'a few bytes in a pool']);
  });

  test.each([0, 1, 4000, 16_384, 65_536])(
    '%i bytes are sealed into the memory that is asked for',
    async (length) => {
      const [key, iv, plaintext] = [randomBytes(32), randomBytes(12), randomBytes(length)];
      const { seal, open } = aes256gcm;
      const lent = new Uint8Array(length + 16).fill(7);
      const sealed = await seal(key, iv, iv, plaintext, () => lent);
      expect(sealed).toBe(lent);
      expect(Buffer.from(sealed)).toEqual(Buffer.from(await seal(key, iv, iv, plaintext)));
      expect(await open(key, iv, iv, sealed)).toEqual(plaintext);
      expect(plaintext.length).toBe(length);
    },
  );
});
