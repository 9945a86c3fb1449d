import { describe, expect, test } from '@jest/globals';
import { SecretTraces } from '../../src/client/secret-traces.js';

describe('a short key, as in tests and on a developer’s machine', () => {
  const traces = new SecretTraces('k1');

  test.each(['/task1/k10', 'dazk1', btoa('xk1y')])('is not found in %s', (text) => {
    expect(traces.areIn(text)).toBe(false);
  });

  test.each(['k1', 'Bearer k1', '/keys/k1?x=1', 'a=1&key=k1', '/keys/%6b1'])('is found in %s', (text) => {
    expect(traces.areIn(text)).toBe(true);
  });
});

test('a long one is found within other text', () => {
  expect(new SecretTraces('key-acme-1').areIn('xkey-acme-1y')).toBe(true);
});
