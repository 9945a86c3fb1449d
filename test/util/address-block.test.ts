import { expect, test } from '@jest/globals';
import { addressBlock } from '../../src/util/address-block.js';

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['a customer', 'a customer'],
  ['', ''],
])('%j counts as %j', (address, block) => {
  expect(addressBlock(address)).toBe(block);
});

test('a customer has all of a /64, and another network is another one', () => {
  expect(addressBlock('2001:db8:1:2:ffff::1')).toBe(addressBlock('2001:db8:1:2::8'));
  expect(addressBlock('2001:db8:1:3::8')).not.toBe(addressBlock('2001:db8:1:2::8'));
});

test('no text is longer than 64 characters', () => {
  expect(addressBlock('x'.repeat(10_000))).toHaveLength(64);
  expect(addressBlock(`${'1:'.repeat(10_000)}1`).length).toBeLessThanOrEqual(64);
});
