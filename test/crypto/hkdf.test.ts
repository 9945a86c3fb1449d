import { hkdfSync, randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { defaultProvider } from '../../src/crypto/native/index.js';

const LENGTHS = [
  [0, 0, 1],
  [1, 1, 32],
  [32, 0, 31],
  [32, 170, 33],
  [64, 900, 64],
  [2300, 170, 76],
  [4095, 3, 96],
  [10_000, 40, 100],
  [80, 5000, 8160],
] as const;

const { hkdf } = defaultProvider();
const byNode = (secret: Uint8Array, info: Uint8Array, length: number) =>
  new Uint8Array(hkdfSync('sha256', secret, '', info.subarray(0, 1024), length));

test('gives what node:crypto gives, whatever was derived before', () => {
  for (const [secretBytes, infoBytes, length] of [...LENGTHS, ...[...LENGTHS].reverse()]) {
    const [secret, info] = [randomBytes(secretBytes), randomBytes(Math.min(infoBytes, 1024))]; // hkdfSync takes no more
    expect(hkdf(secret, info, length)).toEqual(byNode(secret, info, length));
  }
});

test('refuses more than there is, and is right after that', () => {
  const [secret, info] = [randomBytes(32), randomBytes(10)];
  for (const length of [8161, 100_000, -1, Number.NaN])
    expect(() => hkdf(secret, info, length)).toThrow(RangeError);
  expect(hkdf(secret, info, 8160)).toEqual(byNode(secret, info, 8160));
});
