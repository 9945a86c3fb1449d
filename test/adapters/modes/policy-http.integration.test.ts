import { describe, expect, test } from '@jest/globals';
import type { Agent, RouteMode } from '@private.me/xlink';
import { ACME, BOLT, expectRefusal, WRONG } from '../../support/http.js';
import { World } from '../../support/world.js';
import { enrollment, sealed, signed, withKey } from '../requests.js';

import { routed } from './support.js';

const STRICT: RouteMode = { path: '/payments', mode: 'xlink-only' };

describe('over HTTP', () => {
  const routeModes: RouteMode[] = [STRICT];

  async function world(setup: object = {}) {
    const world = new World();
    const [api, caller] = [await world.agent('api'), await world.agent('caller')];
    const { clock, clients } = world;
    const service = await world.serve({ agent: api, clock, clients, routeModes, mount: routed, ...setup });
    return { world, api, caller, service };
  }

  // None of these may run the handler of /payments for a key, in either way of writing a request.
  test.each([
    '/payments',
    '/payments/',
    '/payments/7',
    '/PAYMENTS',
    '/PayMents/7?x=1',
    '/payments/%zz',
    '/%70ayments',
    '/%50AYMENTS/',
    '/payments;x',
    '/payments;/..',
    '/payments;x/7',
    '//payments',
    '/payments//',
    '/a/../payments',
    '/./payments',
    '/payments/../payments',
    '/orders/../payments',
    '/orders/..;/payments',
    '/payments?x#y',
    '/payments#',
    '/payments#/../orders',
    '/payments\\7#',
    '/payments\\7',
    '/payments%2f7',
    'http://test/payments',
    'http://orders/payments#x',
    'HTTP://user:word@test:80/PAYMENTS/7',
    'https:///payments',
    'foo://test/payments',
  ])('%s does not get a key past the mode of /payments', async (target) => {
    const { service } = await world();
    const answer = await service.raw(`GET ${target}`, { 'x-api-key': ACME });
    expectRefusal(answer, '401 XLINK_REQUIRED');
    expect(service.calls).toEqual([]);
  });

  test.each(['HEAD', 'get', 'PUT', 'DELETE', 'PROPFIND'])('nor does the method %s', async (method) => {
    const { service } = await world();
    const answer = await service.raw(`${method} /payments`, { 'x-api-key': ACME });
    expect([401, 400]).toContain(answer.status);
    expect(service.calls).toEqual([]);
  });

  test.each([
    ['/orders', { 'x-http-method-override': 'DELETE' }],
    ['/orders', { 'X-HTTP-Method': 'delete' }],
    ['/orders', { 'X-Original-Method': 'DELETE' }],
    ['/orders?_method=DELETE', {}],
    ['/orders?_METHOD=delete', {}],
    ['/orders?a=1&%5Fmethod[]=DELETE', {}],
    ['/orders?a=1;_method=DELETE', {}],
  ] as [string, Record<string, string>][])(
    'nor does a method that is overridden: %j %j',
    async (path, headers) => {
      const { service } = await world({
        routeModes: [{ path: '/orders', methods: ['DELETE'], mode: 'xlink-only' }],
      });
      const answer = await service.raw(`POST ${path}`, { 'x-api-key': ACME, ...headers });
      expectRefusal(answer, '401 XLINK_REQUIRED');
      expect((await service.raw('POST /orders', { 'x-api-key': ACME })).status).toBe(200);
      expect(service.calls).toHaveLength(1);
    },
  );

  test('HEAD does not get a key past a mode of GET', async () => {
    const { service } = await world({
      routeModes: [{ path: '/orders', methods: ['GET'], mode: 'xlink-only' }],
    });
    expect((await service.raw('HEAD /orders', { 'x-api-key': ACME })).status).toBe(401);
    expect(service.calls).toEqual([]);
  });

  test.each([
    '/public/../payments',
    '/public/..%2fpayments',
    '/public%2f..%2forders',
    '//public/x',
    '/public\\x',
  ])('%s does not borrow the mode of a lax route', async (target) => {
    const { service } = await world({
      mode: 'xlink-only',
      routeModes: [{ path: '/public', mode: 'hybrid' }],
    });
    await service.accepted(withKey(ACME, { path: '/public/x' }));
    expectRefusal(await service.raw(`GET ${target}`, { 'x-api-key': ACME }), '401 XLINK_REQUIRED');
    expect(service.calls).toHaveLength(1);
  });

  test('everything else keeps the global mode, and envelopes get to the strict route', async () => {
    const { service, api, caller } = await world();
    await service.accepted(withKey(ACME));
    const { auth } = await service.accepted(sealed(caller, api, { path: '/payments/7' }));
    expect(auth).toMatchObject({ mode: 'xlink', did: caller.did });
    await service.quiet();
    expect(service.of('request').map(({ mode, method, reason }) => [mode, method, reason])).toEqual([
      ['hybrid', 'api-key', 'ok'],
      ['xlink-only', 'xlink', 'ok'],
    ]);
  });

  test('a refusal names the schemes of the route', async () => {
    const { service } = await world();
    const strict = await service.refused(withKey(ACME, { path: '/payments' }), '401 XLINK_REQUIRED');
    expect(strict.headers['www-authenticate']).toBe('Xlink realm="api", error="XLINK_REQUIRED"');
    const lax = await service.refused({ path: '/orders' }, '401 CREDENTIALS_MISSING');
    expect(lax.headers['www-authenticate']).toContain('ApiKey realm="api"');
  });

  test('a straggler may still use its key where everybody else may not', async () => {
    const { service } = await world({
      mode: 'xlink-only',
      routeModes: [],
      clientModes: { bolt: 'deprecation' },
    });
    const { answer, auth } = await service.accepted(withKey(BOLT));
    expect(auth).toEqual({ mode: 'api-key', clientId: 'bolt' });
    expect(answer.headers['x-deprecated-auth']).toBe('true');
    const refused = await service.refused(withKey(ACME), '401 XLINK_REQUIRED');
    expect(refused.headers['www-authenticate']).toBe('Xlink realm="api", error="XLINK_REQUIRED"');
    await service.refused(withKey(WRONG), '401 API_KEY_INVALID');
    await service.refused({}, '401 CREDENTIALS_MISSING');
  });

  test('one client is moved ahead, and nobody with it', async () => {
    const { service, api, world: all } = await world({ routeModes: [], clientModes: { acme: 'xlink-only' } });
    await service.refused(withKey(ACME), '401 XLINK_REQUIRED');
    await service.accepted(withKey(BOLT));
    const device = await all.stranger('device');
    all.clients.link(device.did, 'acme');
    await all.registry.register({ did: device.did, keys: await device.keyRecord() });
    const { auth } = await service.accepted(sealed(device, api));
    expect(auth).toMatchObject({ mode: 'xlink', client: 'acme' });
  });

  test('a canary is ahead of observe mode: its envelopes count, those of others do not', async () => {
    const {
      service,
      api,
      caller,
      world: all,
    } = await world({
      mode: 'observe',
      routeModes: [],
      clientModes: { acme: 'hybrid' },
    });
    const canary = await all.stranger('canary');
    expect((await service.send(enrollment(canary, api, ACME))).status).toBe(200);
    expect((await service.accepted(sealed(canary, api, {}, { scope: 'orders:read' }))).auth).toMatchObject({
      mode: 'xlink',
      client: 'acme',
    });
    await service.refused(sealed(caller, api), '415 XLINK_NOT_SUPPORTED');
    await service.refused(signed(caller, api), '415 XLINK_NOT_SUPPORTED');
    await service.accepted(withKey(BOLT));
    await service.quiet();
    expect(service.of('request').map(({ mode, method }) => `${mode} ${method}`)).toEqual([
      'hybrid xlink',
      'observe xlink',
      'observe xlink',
      'observe api-key',
    ]);
  });

  test('a client that was moved ahead is taken by the envelope beside its key, while the others are observed', async () => {
    const {
      service,
      api,
      caller,
      world: all,
    } = await world({ mode: 'observe', routeModes: [], clientModes: { acme: 'hybrid' } });
    const device = await all.stranger('device');
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    service.adapter.setMode('xlink-only', 'ahead', { client: 'acme' });
    const beside = async (from: Agent, key: string) =>
      withKey(key, await signed(from, api, {}, { scope: 'orders:read' }));
    expect((await service.accepted(beside(device, ACME))).auth).toMatchObject({
      mode: 'xlink',
      client: 'acme',
    });
    expect((await service.accepted(beside(device, BOLT))).auth).toMatchObject({ mode: 'api-key' });
    const other = withKey(ACME, await signed(caller, api)); // somebody else's envelope
    await service.refused(other, '415 XLINK_NOT_SUPPORTED');
    await service.refused(withKey(ACME), '401 XLINK_REQUIRED');
  });

  test('a client that stays in observe mode keeps its key; its envelopes are told to fall back', async () => {
    const { service, api, world: all } = await world({ routeModes: [], clientModes: { bolt: 'observe' } });
    const device = await all.stranger('device');
    expect((await service.send(enrollment(device, api, BOLT))).status).toBe(200);
    await service.refused(sealed(device, api), '415 XLINK_NOT_SUPPORTED');
    const { answer } = await service.accepted(withKey(BOLT));
    expect(answer.headers['x-deprecated-auth']).toBeUndefined();
  });

  test('a mode of the client goes before one of the route, and that before the global one', async () => {
    const { service } = await world({
      mode: 'deprecation',
      routeModes: [STRICT, { path: '/orders', mode: 'hybrid' }],
      clientModes: { bolt: 'hybrid' },
    });
    await service.accepted(withKey(BOLT, { path: '/payments' }));
    await service.refused(withKey(ACME, { path: '/payments' }), '401 XLINK_REQUIRED');
    const { answer } = await service.accepted(withKey(ACME, { path: '/orders' }));
    expect(answer.headers['x-deprecated-auth']).toBeUndefined();
  });

  test('without clients a strict route does not even look at keys', async () => {
    const { service } = await world({ clients: undefined });
    await service.refused(withKey(ACME, { path: '/payments' }), '401 XLINK_REQUIRED');
    expect(service.validated).toEqual([]);
  });
});
