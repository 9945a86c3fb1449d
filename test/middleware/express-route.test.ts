import { describe, expect, test } from '@jest/globals';
import { watchRoute } from '../../src/middleware/express/route.js';

describe('the route that Express matches a request to', () => {
  test('is told as a template, as it was at the match', () => {
    const req: Parameters<typeof watchRoute>[0] = {};
    const template = watchRoute(req);
    expect(template()).toBeUndefined();
    Object.assign(req, { baseUrl: '/v1/tenants/a%20b', params: { tenant: 'a b', id: '7' } });
    req.route = { path: '/orders/:id' };
    Object.assign(req, { baseUrl: '', params: {} }); // as Express takes them back for error handlers
    expect([template(), req.route]).toEqual(['/v1/tenants/:tenant/orders/:id', { path: '/orders/:id' }]);
  });

  test('is seen through an object that was made of the request', () => {
    const req: Parameters<typeof watchRoute>[0] = {};
    const template = watchRoute(req);
    const derived = Object.create(req) as typeof req;
    derived.route = { path: '/orders' };
    expect([template(), derived.route, req.route]).toEqual([
      '/orders',
      { path: '/orders' },
      { path: '/orders' },
    ]);
  });

  // V8 keeps what accessors of its own an object has until the next full collection, and the object with them.
  test('is watched by the same two functions in every request', () => {
    const accessors = [{}, {}].map((req) => {
      watchRoute(req);
      const { get, set } = Object.getOwnPropertyDescriptor(req, 'route')!;
      return [get, set];
    });
    expect(accessors[0]![0]).toBe(accessors[1]![0]);
    expect(accessors[0]![1]).toBe(accessors[1]![1]);
  });
});
