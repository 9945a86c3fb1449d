import { expect, test } from '@jest/globals';
import { softwareOf } from '../../../src/adapters/key-use/software.js';
import { addressNetwork } from '../../../src/util/address-network.js';

test.each([
  ['python-requests/2.31.0', 'python-requests/2.31.0'],
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', 'Mozilla/5.0'],
  ['axios/1.7.2', 'axios/1.7.2'],
  ['Apache-HttpClient/4.5.13 (Java/11.0.2)', 'Apache-HttpClient/4.5.13'],
  ['acme-sync/3', 'acme-sync/3'],
  ['k6/0.49.0 (https://k6.io/)', 'k6/0.49.0'],
  ['go/v1.22rc1', 'go/v1.22rc1'],
  ['okhttp/5.0.0-alpha.14', 'okhttp/5.0.0-alpha.14'],
  ['acme-sync', '(other)'],
  ['demo-key', '(other)'],
  ['hunter2', '(other)'],
  ['correct.horse.battery', '(other)'],
  ['ABCDE-12FGH-34IJK-56LMN', '(other)'],
  ['glpat-AbCdEfGhIjKlMnOp', '(other)'],
  ['abcdefghijklmnopqrst', '(other)'],
  [`curl${'-'.repeat(100)}/1`, '(other)'],
  ['node', 'node'],
  ['Go-http-client/1.1', 'Go-http-client/1.1'],
  ['worker/abc123', '(other)'],
  ['sk_live_4eC39HqLyjWDarjtT1zdp7dc', '(other)'],
  ['sk-live-4eC39HqLyjWDarjtT1zdp7dc', '(other)'],
  ['x@example.com', '(other)'],
  ['<script>alert(1)</script>', '(other)'],
  ['a'.repeat(33), '(other)'],
  ['', '(none)'],
  [undefined, '(none)'],
])('the software of %j is %s', (text, name) => {
  expect(softwareOf(text)).toBe(name);
});

test.each([
  ['192.0.2.77', '192.0.2.0/24'],
  ['::ffff:192.0.2.77', '192.0.2.0/24'],
  ['2001:db8:12:34::1', '2001:db8:12::/48'],
  ['2001:db8::1', '2001:db8:0::/48'],
  ['::1', '0:0:0::/48'],
  ['unix', undefined],
  [undefined, undefined],
])('the network of %s is %s', (address, network) => {
  expect(addressNetwork(address)).toBe(network);
});
