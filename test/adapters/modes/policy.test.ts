import { describe, expect, test } from '@jest/globals';
import type { RouteMode } from '@private.me/xlink';
import { ModePolicy } from '../../../src/adapters/modes/policy.js';

const policyOf = (...routes: RouteMode[]) => new ModePolicy('hybrid', routes);
const STRICT: RouteMode = { path: '/payments', mode: 'xlink-only' };

describe('the mode of a path', () => {
  test.each([
    '/payments',
    '/payments/',
    '/payments/7',
    '/payments/7/lines?x=1',
    '/payments?x=/orders',
    '/PAYMENTS',
    '/Payments/7',
    '/%70ayments',
    '/%70%61yments/7',
    '/payments/%zz',
    '/%70ayments/%zz',
    '//payments',
    '///payments//',
    '/payments//7',
    '/payments;x',
    '/payments;a=b/7',
    '/payments;/..',
    '/payments;/../..',
    '/payments;x/../../y',
    '/payments%3b/..',
    '/x/..;/payments',
    '/payments%2f7/%zz',
    '/./payments',
    '/a/../payments',
    '/a/%2e%2e/payments',
    '/../payments',
    '/payments%2f7',
    '/payments\\7',
    '\\payments',
    '/payments#x',
    '/payments\\x#',
    'http://api.example.com/payments',
    'HTTP://user:secret@api.example.com:1/payments/7?x',
    'http:///payments',
    'foo://h/payments#x',
  ])('%s is under /payments', (target) => {
    expect(policyOf(STRICT).forRequest({ method: 'GET', target })).toBe('xlink-only');
  });

  test.each([
    '/',
    '',
    '*',
    '/orders',
    '/paymentsx',
    '/payments-old',
    '/payments.json',
    '/payment',
    '/x/payments',
    '/orders?x=/payments',
    '/orders#/payments',
    '/%2570ayments',
    'http://payments',
    'http://payments/orders',
  ])('%s is not', (target) => {
    expect(policyOf(STRICT).forRequest({ method: 'GET', target })).toBe('hybrid');
  });

  const LAX: RouteMode = { path: '/public', mode: 'hybrid' };
  test.each([
    ['/public', 'hybrid'],
    ['/PUBLIC/x/', 'hybrid'],
    ['/public/caf%C3%A9?q', 'hybrid'],
    ['/publi%63/x', 'hybrid'],
    ['http://api.example.com/public', 'hybrid'],
    ['/public/../admin', 'xlink-only'],
    ['/public/%2e%2e/admin', 'xlink-only'],
    ['/public/..%2fadmin', 'xlink-only'],
    ['/public\\..\\admin', 'xlink-only'],
    ['/public%2fx', 'xlink-only'],
    ['//public', 'xlink-only'],
    ['/admin/../public', 'xlink-only'],
    ['/public;x', 'xlink-only'],
    ['http://public', 'xlink-only'],
  ] as const)('a lax route lends its mode to no path that may mean another: %s is %s', (target, mode) => {
    expect(new ModePolicy('xlink-only', [LAX]).forRequest({ method: 'GET', target })).toBe(mode);
  });

  test('paths of modes are read as generously as those of requests', () => {
    const policy = policyOf(
      { path: '/Payments/', mode: 'xlink-only' },
      { path: '/caf%C3%A9', mode: 'deprecation' },
    );
    expect(policy.forRequest({ method: 'GET', target: '/payments/1' })).toBe('xlink-only');
    expect(policy.forRequest({ method: 'GET', target: '/caf%c3%a9/menu' })).toBe('deprecation');
  });

  test('/ is for everything', () => {
    const policy = policyOf({ path: '/', mode: 'deprecation' });
    for (const target of ['/', '/orders', '//', '', 'http://h', '/../..'])
      expect([target, policy.forRequest({ method: 'GET', target })]).toEqual([target, 'deprecation']);
  });

  test('methods: only those named, in any case; GET stands for HEAD, which its handler answers', () => {
    const policy = policyOf(
      { path: '/a', methods: ['POST', 'PUT'], mode: 'xlink-only' },
      { path: '/b', methods: ['get'], mode: 'xlink-only' },
    );
    const modes = (target: string) =>
      ['GET', 'HEAD', 'post', 'PUT', 'DELETE'].map((method) => policy.forRequest({ method, target }));
    expect(modes('/a')).toEqual(['hybrid', 'hybrid', 'xlink-only', 'xlink-only', 'hybrid']);
    expect(modes('/b')).toEqual(['xlink-only', 'xlink-only', 'hybrid', 'hybrid', 'hybrid']);
  });

  describe('a method that is overridden behind the adapter', () => {
    const policy = policyOf({ path: '/a', methods: ['DELETE', 'get'], mode: 'xlink-only' });
    const modeOf = (method: string, headers: Record<string, string> = {}, target = '/a') =>
      policy.forRequest({ method, target, header: (name) => headers[name] });

    test.each([
      { 'x-http-method-override': 'DELETE' },
      { 'x-http-method': 'delete' },
      { 'x-method-override': ' PATCH, DELETE ' },
      { 'x-http-method-override': 'HEAD' },
    ] as Record<string, string>[])('counts as that method: %j', (headers) => {
      expect(modeOf('POST', headers)).toBe('xlink-only');
    });

    test('counts in the query, too', () => {
      expect(modeOf('POST', {}, '/a?x=1&_method=DELETE')).toBe('xlink-only');
      expect(modeOf('POST', {}, '/a?%5F%6dethod=DELETE')).toBe('xlink-only');
      expect(modeOf('POST', {}, '/a?method=DELETE')).toBe('hybrid');
    });

    test('relaxes nothing, and says nothing of other methods', () => {
      expect(modeOf('DELETE', { 'x-http-method-override': 'POST' })).toBe('xlink-only');
      expect(modeOf('POST', { 'x-http-method-override': 'PUT' })).toBe('hybrid');
    });

    test('borrows nothing that a lax method has', () => {
      const lax = policyOf(
        { path: '/', mode: 'xlink-only' },
        { path: '/a', methods: ['POST'], mode: 'hybrid' },
      );
      const mode = (override?: string) =>
        lax.forRequest({
          method: 'POST',
          target: '/a',
          header: (name) => (name === 'x-http-method' ? override : undefined),
        });
      expect([mode(), mode('POST'), mode('DELETE')]).toEqual(['hybrid', 'hybrid', 'xlink-only']);
    });

    test('ten thousand of them are as one', () => {
      const text = Array.from({ length: 10_000 }, (_, nth) => `M${nth}`).join();
      expect(modeOf('POST', { 'x-http-method-override': `${text},DELETE` })).toBe('xlink-only');
    });
  });

  test('the longest path counts, whatever was set first', () => {
    const routes: RouteMode[] = [
      { path: '/a', mode: 'deprecation' },
      { path: '/a/b/c', mode: 'observe' },
      { path: '/a/b', mode: 'xlink-only' },
    ];
    for (const policy of [policyOf(...routes), policyOf(...routes.reverse())])
      expect(
        ['/a/x', '/a/b', '/a/b/x', '/a/b/c/d', '/x'].map((path) =>
          policy.forRequest({ method: 'GET', target: path }),
        ),
      ).toEqual(['deprecation', 'xlink-only', 'xlink-only', 'observe', 'hybrid']);
  });

  test('a longer path for other methods does not hide a shorter one', () => {
    const policy = policyOf(
      { path: '/a', mode: 'xlink-only' },
      { path: '/a/b', methods: ['POST'], mode: 'observe' },
    );
    expect(policy.forRequest({ method: 'GET', target: '/a/b' })).toBe('xlink-only');
    expect(policy.forRequest({ method: 'POST', target: '/a/b' })).toBe('observe');
  });

  test('among the same paths, the one that was set last counts', () => {
    const policy = policyOf(
      { path: '/a', mode: 'deprecation' },
      { path: '/a', methods: ['GET'], mode: 'observe' },
    );
    expect(policy.forRequest({ method: 'GET', target: '/a' })).toBe('observe');
    policy.set('xlink-only', { route: { path: '/A/' } });
    expect(policy.forRequest({ method: 'GET', target: '/a' })).toBe('xlink-only');
    policy.clear({ route: { path: '/a' } });
    expect(policy.forRequest({ method: 'GET', target: '/a' })).toBe('observe');
    expect(policy.forRequest({ method: 'POST', target: '/a' })).toBe('hybrid');
  });

  test('clear takes back the mode of exactly these methods, in any order', () => {
    const policy = policyOf({ path: '/a', methods: ['PUT', 'POST'], mode: 'xlink-only' });
    policy.clear({ route: { path: '/a' } });
    policy.clear({ route: { path: '/a', methods: ['POST'] } });
    expect(policy.forRequest({ method: 'POST', target: '/a' })).toBe('xlink-only');
    policy.clear({ route: { path: '/a', methods: ['post', 'put'] } });
    expect(policy.forRequest({ method: 'POST', target: '/a' })).toBe('hybrid');
  });

  test('clear of nothing changes nothing', () => {
    const policy = policyOf(STRICT);
    policy.clear({});
    policy.clear({ client: 'acme' });
    expect([policy.global, policy.forRequest({ method: 'GET', target: '/payments' })]).toEqual([
      'hybrid',
      'xlink-only',
    ]);
  });
});

describe('the mode of a client', () => {
  test('is its own, or none', () => {
    const policy = new ModePolicy('hybrid', [], { acme: 'xlink-only' });
    expect([policy.forClient('acme'), policy.forClient('bolt'), policy.forClient(undefined)]).toEqual([
      'xlink-only',
      undefined,
      undefined,
    ]);
    expect(policy.hasClientModes).toBe(true);
    policy.clear({ client: 'acme' });
    expect([policy.forClient('acme'), policy.hasClientModes]).toEqual([undefined, false]);
  });

  test('is no member of Object.prototype', () => {
    const policy = new ModePolicy('hybrid', [], { acme: 'xlink-only' });
    for (const name of ['__proto__', 'constructor', 'toString'])
      expect(policy.forClient(name)).toBeUndefined();
  });
});
