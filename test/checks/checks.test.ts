import { describe, expect, test } from '@jest/globals';
import { acceptsScope, grantsScope, isOwnScope, scopesInForce } from '../../src/checks/scope.js';
import { checkTimestamp, DEFAULT_TIMESTAMP_WINDOW_MS, nonceTtlMs } from '../../src/checks/timestamp.js';
import { isRequest } from '../../src/envelope/fields.js';
import { checkRequestBinding, requestBinding } from '../../src/http/request-binding.js';
import { NOON } from '../support/clock.js';
import { thrownBy } from '../support/results.js';

const idOf = async (call: () => unknown) => {
  let ran = false;
  const thrown = await thrownBy(() => {
    call();
    ran = true;
  }).catch((error: unknown) => error);
  return ran ? 'ok' : (thrown as { id: string }).id;
};

describe('scopes', () => {
  test.each([
    [[], 'a', false],
    [['a'], 'a', true],
    [['a', 'b'], 'b', true],
    [['a:b'], 'a', false],
    [['a'], 'a:b', false],
    [['A'], 'a', false],
    [['*'], 'anything', true],
    [['a', '*'], 'b', true],
    [['a*'], 'ab', false],
    [['a'], '*', false],
  ])('%j holds %s: %s', (list, scope, verdict) => {
    expect(grantsScope(list, scope)).toBe(verdict);
    expect(acceptsScope(list, scope)).toBe(verdict);
  });

  test("no list of rights grants none, no list of one's own accepts any", () => {
    expect(grantsScope(undefined, 'a')).toBe(false);
    expect(acceptsScope(undefined, 'a')).toBe(true);
  });

  test.each([
    [undefined, undefined, []],
    [undefined, ['*'], []],
    [[], ['*'], []],
    [['a', 'b'], undefined, ['a', 'b']],
    [['a', 'b'], ['*'], ['a', 'b']],
    [['a', 'b'], ['b', 'c'], ['b']],
    [['a', 'b'], [], []],
    [['*'], undefined, ['*']],
    [['*'], ['b', 'c'], ['b', 'c']],
    [['a', '*'], ['c'], ['c']],
  ])('of %j granted and %j accepted a request may use %j', (granted, accepted, scopes) => {
    expect(scopesInForce(granted, accepted)).toEqual(scopes);
  });

  test('those of the library have a prefix', () => {
    expect(['xlink:key', 'xlink:', 'xlink', 'Xlink:key', 'a:xlink:key'].map(isOwnScope)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('timestamps', () => {
  test.each([
    [0, 'ok'],
    [-1000, 'ok'],
    [1000, 'ok'],
    [-1001, 'TIMESTAMP_EXPIRED'],
    [1001, 'TIMESTAMP_EXPIRED:FUTURE'],
    [-NOON, 'TIMESTAMP_EXPIRED'],
    [Number.MAX_SAFE_INTEGER - NOON, 'TIMESTAMP_EXPIRED:FUTURE'],
  ])('%i ms off, in a window of 1000 ms: %s', async (offset, id) => {
    expect(await idOf(() => checkTimestamp(NOON + offset, NOON, 1000))).toBe(id);
  });

  test('a nonce outlives every timestamp that it could be used with', () => {
    for (const windowMs of [1, 1000, DEFAULT_TIMESTAMP_WINDOW_MS, 3_600_000]) {
      const latest = NOON + windowMs;
      const lastAccepted = latest + windowMs;
      expect(NOON + nonceTtlMs(windowMs)).toBeGreaterThan(lastAccepted);
    }
  });

  test('the window is 30 seconds unless chosen otherwise', () => {
    expect(DEFAULT_TIMESTAMP_WINDOW_MS).toBe(30_000);
  });
});

describe('the request binding', () => {
  test.each([
    ['get', '/', 'GET /'],
    ['POST', '/orders?limit=5&x=%20', 'POST /orders?limit=5&x=%20'],
    ['DELETE', '/a/../b//c', 'DELETE /a/../b//c'],
    ['GET', '/?q="x"', 'GET /?q=%22x%22'],
    ['GET', '/a\\b', 'GET /a%5Cb'],
    ['GET', '/a b', 'GET /a%20b'],
    ['GET', '/caf\u00e9', 'GET /caf%E9'],
    ['GET', '/\u20ac', 'GET /%E2%82%AC'],
    ['GET', '/\u{1F422}', 'GET /%F0%9F%90%A2'],
    ['GET', '/\u0000\u007f', 'GET /%00%7F'],
    ['OPTIONS', '*', 'OPTIONS *'],
    ['m-search', '/', 'M-SEARCH /'],
  ])('of %s %j is %s', (method, target, binding) => {
    expect(requestBinding(method, target)).toBe(binding);
    expect(isRequest(binding)).toBe(true);
  });

  test('is the same whether the target was encoded before or not', () => {
    const once = requestBinding('GET', '/a b"\\é');
    expect(requestBinding('GET', once.slice(4))).toBe(once);
  });

  test.each([
    ['GET /a', 'GET /a', true, 'ok'],
    ['GET /a', 'GET /a', false, 'ok'],
    [undefined, 'GET /a', false, 'ok'],
    [undefined, 'GET /a', true, 'REQUEST_BINDING_REQUIRED'],
    ['GET /b', 'GET /a', false, 'REQUEST_BINDING_MISMATCH'],
    ['GET /b', 'GET /a', true, 'REQUEST_BINDING_MISMATCH'],
    ['GET /a?', 'GET /a', true, 'REQUEST_BINDING_MISMATCH'],
    ['', 'GET /a', false, 'REQUEST_BINDING_MISMATCH'],
  ])('%j against %j, required %s: %s', async (signed, actual, required, id) => {
    expect(await idOf(() => checkRequestBinding(signed, actual, required))).toBe(id);
  });
});
