import { describe, expect, test } from '@jest/globals';
import { CIPHERS, CipherState } from '../../src/noise/cipher.js';
import { MAX_UNDER_ONE_KEY } from '../../src/noise/limits.js';
import { Cookies } from '../../src/noise/udp/cookies.js';
import { ReceivingKeys, SendingKeys } from '../../src/noise/udp/epoch-keys.js';
import { Assembler, fragmentsOf, MAX_DATAGRAM, readFragment } from '../../src/noise/udp/packet.js';
import { ReplayWindow, WINDOW } from '../../src/noise/udp/window.js';
import { bytes, idOfFailure, seedOf } from '../support.js';

describe('the window of numbers', () => {
  test('it agrees with a set of all numbers, in any order and with any jumps', () => {
    const window = new ReplayWindow();
    const seen = new Set<number>();
    let [newest, state] = [-1, 12_345];
    for (let round = 0; round < 40_000; round++) {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      const jump = state % 97 === 0 ? state % 9_000 : state % 5;
      const n = round % 3 === 0 ? Math.max(0, newest - (state % (WINDOW + 64))) : newest + 1 + jump;
      const isNew = n > newest || (newest - n < WINDOW && !seen.has(n));
      if (window.isNew(n) !== isNew) throw new Error(`round ${round}: ${n} behind ${newest}`);
      if (!isNew) continue;
      window.mark(n);
      seen.add(n);
      newest = Math.max(newest, n);
    }
    expect(window.newest).toBe(newest);
  });

  test('2047 behind the newest is taken, 2048 is not', () => {
    const window = new ReplayWindow();
    window.mark(10_000);
    expect([window.isNew(10_000 - WINDOW + 1), window.isNew(10_000 - WINDOW)]).toEqual([true, false]);
    expect(window.isNew(10_000)).toBe(false);
  });
});

describe('keys by number', () => {
  const pair = () => {
    const key = seedOf('key');
    return [
      new SendingKeys(new CipherState(CIPHERS.ChaChaPoly, key)),
      new ReceivingKeys(new CipherState(CIPHERS.ChaChaPoly, key)),
    ] as const;
  };

  test('each 2^20 numbers have a key of their own; skipping goes to the next', () => {
    const [sending, receiving] = pair();
    const first = sending.encrypt(bytes('a'));
    sending.skip();
    const second = sending.encrypt(bytes('b'));
    sending.skip();
    sending.skip();
    const third = sending.encrypt(bytes('c'));
    expect([first.n, second.n, third.n]).toEqual([0, MAX_UNDER_ONE_KEY, 3 * MAX_UNDER_ONE_KEY]);
    for (const { n, ciphertext } of [first, second, third]) receiving.decrypt(n, ciphertext);
    // Two epochs back the key is forgotten.
    expect(() => receiving.decrypt(first.n, first.ciphertext)).toThrow();
    expect(() => receiving.decrypt(second.n, second.ciphertext)).toThrow();
  });

  test('the key before stays, for what was overtaken', () => {
    const [sending, receiving] = pair();
    const late = sending.encrypt(bytes('late'));
    sending.skip();
    const { n, ciphertext } = sending.encrypt(bytes('early'));
    receiving.decrypt(n, ciphertext);
    expect(Buffer.from(receiving.decrypt(late.n, late.ciphertext)).toString()).toBe('late');
  });

  test('a forged number far ahead costs nothing, one within reach 64 keys at most', async () => {
    const [sending, receiving] = pair();
    const { ciphertext } = sending.encrypt(bytes('a'));
    const began = performance.now();
    for (const epoch of [65, 1_000, 2 ** 32])
      expect(await idOfFailure(() => receiving.decrypt(epoch * MAX_UNDER_ONE_KEY, ciphertext))).toBe(
        'NOISE_DECRYPT_FAILED',
      );
    for (let round = 0; round < 100; round++)
      expect(() => receiving.decrypt(64 * MAX_UNDER_ONE_KEY, ciphertext)).toThrow();
    expect(performance.now() - began).toBeLessThan(2_000);
    receiving.decrypt(0, ciphertext);
  });
});

describe('cookies', () => {
  test('they are good for one address, for two to four minutes', () => {
    let now = 0;
    const cookies = new Cookies(() => now);
    const cookie = cookies.make({ address: '192.0.2.1', port: 1000 });
    const isGood = (port: number, address = '192.0.2.1') => cookies.isGood({ address, port }, cookie);
    expect([isGood(1000), isGood(1001), isGood(1000, '192.0.2.2')]).toEqual([true, false, false]);
    now = 121_000;
    expect(isGood(1000)).toBe(true);
    now = 241_000;
    expect(isGood(1000)).toBe(false);
  });
});

describe('pieces of handshake messages', () => {
  test('they fit into datagrams, come in any order, and count once', () => {
    const message = new Uint8Array(14_500).map((_, at) => at % 251);
    const packets = fragmentsOf(2, [7, 8], message).map((packet) => Buffer.from(packet));
    expect(packets.every(({ length }) => length <= MAX_DATAGRAM)).toBe(true);
    const assembler = new Assembler();
    const whole = [...packets.slice(1), packets[1]!, packets[0]!]
      .map((packet) => assembler.add(readFragment(packet)!))
      .filter((one) => one !== undefined);
    expect(whole).toEqual([message]);
  });

  test.each([
    ['empty', ''],
    ['another type', '09000000000001'],
    ['a header alone', '020000000100000002'],
    ['no pieces', `03000000010000${'00'.repeat(10)}`],
    ['a piece behind the last', `03000000010201${'00'.repeat(10)}`],
    ['too many pieces', `030000000100ff${'00'.repeat(10)}`],
    ['a datagram that is too large', `03000000010001${'00'.repeat(1_200)}`],
  ])('%s', (_, hex) => {
    expect(readFragment(Buffer.from(hex, 'hex'))).toBeUndefined();
  });
});
