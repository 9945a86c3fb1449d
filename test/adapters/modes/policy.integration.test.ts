import { describe, expect, test } from '@jest/globals';
import { ModePolicy, type RouteMode } from '../../../src/adapters/modes/policy.js';
import type { Agent, Mode } from '../../../src/index.js';
import {
  ACME,
  BOLT,
  enrollment,
  expectRefusal,
  type Mounted,
  optionRefusedBy,
  sealed,
  serve,
  signed,
  World,
  WRONG,
  withKey,
} from '../support.js';

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
    expect(policyOf(STRICT).forRequest('GET', target)).toBe('xlink-only');
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
    expect(policyOf(STRICT).forRequest('GET', target)).toBe('hybrid');
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
    expect(new ModePolicy('xlink-only', [LAX]).forRequest('GET', target)).toBe(mode);
  });

  test('paths of modes are read as generously as those of requests', () => {
    const policy = policyOf(
      { path: '/Payments/', mode: 'xlink-only' },
      { path: '/caf%C3%A9', mode: 'deprecation' },
    );
    expect(policy.forRequest('GET', '/payments/1')).toBe('xlink-only');
    expect(policy.forRequest('GET', '/caf%c3%a9/menu')).toBe('deprecation');
  });

  test('/ is for everything', () => {
    const policy = policyOf({ path: '/', mode: 'deprecation' });
    for (const target of ['/', '/orders', '//', '', 'http://h', '/../..'])
      expect([target, policy.forRequest('GET', target)]).toEqual([target, 'deprecation']);
  });

  test('methods: only those named, in any case; GET stands for HEAD, which its handler answers', () => {
    const policy = policyOf(
      { path: '/a', methods: ['POST', 'PUT'], mode: 'xlink-only' },
      { path: '/b', methods: ['get'], mode: 'xlink-only' },
    );
    const modes = (target: string) =>
      ['GET', 'HEAD', 'post', 'PUT', 'DELETE'].map((method) => policy.forRequest(method, target));
    expect(modes('/a')).toEqual(['hybrid', 'hybrid', 'xlink-only', 'xlink-only', 'hybrid']);
    expect(modes('/b')).toEqual(['xlink-only', 'xlink-only', 'hybrid', 'hybrid', 'hybrid']);
  });

  test('the longest path counts, whatever was set first', () => {
    const routes: RouteMode[] = [
      { path: '/a', mode: 'deprecation' },
      { path: '/a/b/c', mode: 'observe' },
      { path: '/a/b', mode: 'xlink-only' },
    ];
    for (const policy of [policyOf(...routes), policyOf(...routes.reverse())])
      expect(
        ['/a/x', '/a/b', '/a/b/x', '/a/b/c/d', '/x'].map((path) => policy.forRequest('GET', path)),
      ).toEqual(['deprecation', 'xlink-only', 'xlink-only', 'observe', 'hybrid']);
  });

  test('a longer path for other methods does not hide a shorter one', () => {
    const policy = policyOf(
      { path: '/a', mode: 'xlink-only' },
      { path: '/a/b', methods: ['POST'], mode: 'observe' },
    );
    expect(policy.forRequest('GET', '/a/b')).toBe('xlink-only');
    expect(policy.forRequest('POST', '/a/b')).toBe('observe');
  });

  test('among the same paths, the one that was set last counts', () => {
    const policy = policyOf(
      { path: '/a', mode: 'deprecation' },
      { path: '/a', methods: ['GET'], mode: 'observe' },
    );
    expect(policy.forRequest('GET', '/a')).toBe('observe');
    policy.set('xlink-only', { route: { path: '/A/' } });
    expect(policy.forRequest('GET', '/a')).toBe('xlink-only');
    policy.clear({ route: { path: '/a' } });
    expect(policy.forRequest('GET', '/a')).toBe('observe');
    expect(policy.forRequest('POST', '/a')).toBe('hybrid');
  });

  test('clear takes back the mode of exactly these methods, in any order', () => {
    const policy = policyOf({ path: '/a', methods: ['PUT', 'POST'], mode: 'xlink-only' });
    policy.clear({ route: { path: '/a' } });
    policy.clear({ route: { path: '/a', methods: ['POST'] } });
    expect(policy.forRequest('POST', '/a')).toBe('xlink-only');
    policy.clear({ route: { path: '/a', methods: ['post', 'put'] } });
    expect(policy.forRequest('POST', '/a')).toBe('hybrid');
  });

  test('clear of nothing changes nothing', () => {
    const policy = policyOf(STRICT);
    policy.clear({});
    policy.clear({ client: 'acme' });
    expect([policy.global, policy.forRequest('GET', '/payments')]).toEqual(['hybrid', 'xlink-only']);
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

/** An API with handlers of their own for payments, for orders, and for whatever is left. */
const routed = ({ app, adapter, handler }: Mounted) => {
  app.use(adapter.middleware());
  app.use('/payments', handler);
  app.all('/orders', handler);
  app.get('/public/:file', handler);
  app.get('/:name', (req, res, next) =>
    req.params.name.toLowerCase() === 'payments' ? handler(req, res, next) : next(),
  );
};

describe('over HTTP', () => {
  const routeModes: RouteMode[] = [STRICT];

  async function world(setup: object = {}) {
    const world = new World();
    const [api, caller] = [await world.agent('api'), await world.agent('caller')];
    const { clock, clients } = world;
    const service = await serve({ agent: api, clock, clients, routeModes, mount: routed, ...setup });
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

describe('setMode and clearMode', () => {
  async function made(setup: object = {}) {
    const world = new World();
    const service = await serve({
      agent: await world.agent('api'),
      clock: world.clock,
      clients: world.clients,
      mount: routed,
      ...setup,
    });
    return { world, service, modes: () => service.of('mode').slice(1) };
  }

  test('each change is one event that says for what it is', async () => {
    const { service, modes } = await made();
    service.adapter.setMode('deprecation', 'all warned');
    service.adapter.setMode('xlink-only', 'audit', { route: { path: '/Payments', methods: ['POST'] } });
    service.adapter.setMode('hybrid', undefined, { client: 'acme' });
    expect(modes()).toEqual([
      { type: 'mode', from: 'hybrid', to: 'deprecation', reason: 'all warned' },
      { type: 'mode', from: 'deprecation', to: 'xlink-only', route: '/Payments', reason: 'audit' },
      { type: 'mode', from: 'deprecation', to: 'hybrid', client: 'acme' },
    ]);
    expect(service.adapter.mode).toBe('deprecation');
  });

  test('clearing is a change like any other, and says so', async () => {
    const { service, modes } = await made({ clientModes: { acme: 'xlink-only' } });
    await service.refused(withKey(ACME), '401 XLINK_REQUIRED');
    service.adapter.clearMode({ client: 'acme' }, 'it asked for it');
    await service.accepted(withKey(ACME));
    service.adapter.setMode('xlink-only', undefined, { route: { path: '/orders' } });
    await service.refused(withKey(ACME), '401 XLINK_REQUIRED');
    service.adapter.clearMode({ route: { path: '/ORDERS/' } });
    await service.accepted(withKey(ACME));
    expect(modes()).toEqual([
      { type: 'mode', from: 'xlink-only', to: 'hybrid', client: 'acme', reason: 'it asked for it' },
      { type: 'mode', from: 'hybrid', to: 'xlink-only', route: '/orders' },
      { type: 'mode', from: 'xlink-only', to: 'hybrid', route: '/ORDERS/' },
    ]);
  });

  test('what changes nothing is no event', async () => {
    const { service, modes } = await made();
    service.adapter.setMode('hybrid');
    service.adapter.setMode('hybrid', 'again', { route: { path: '/a' } });
    service.adapter.setMode('hybrid', 'again', { client: 'acme' });
    service.adapter.clearMode({ client: 'nobody' });
    service.adapter.clearMode({});
    expect(modes()).toEqual([]);
  });

  test('a mode that was set for a route or a client stays when the global one changes', async () => {
    const { service } = await made();
    service.adapter.setMode('hybrid', undefined, { client: 'acme' });
    service.adapter.setMode('hybrid', undefined, { route: { path: '/orders' } });
    service.adapter.setMode('xlink-only');
    await service.accepted(withKey(ACME, { path: '/payments' }));
    await service.accepted(withKey(BOLT, { path: '/orders' }));
    await service.refused(withKey(BOLT, { path: '/payments' }), '401 XLINK_REQUIRED');
  });

  test('a step of one route does not make old deprecations new', async () => {
    const { service, world } = await made();
    service.adapter.setMode('deprecation');
    const since = `@${world.clock() / 1000}`;
    world.clock.advance(86_400_000);
    service.adapter.setMode('hybrid', undefined, { route: { path: '/payments' } });
    service.adapter.setMode('deprecation', undefined, { route: { path: '/payments' } });
    expect((await service.accepted(withKey(ACME))).answer.headers.deprecation).toBe(since);
    service.adapter.setMode('hybrid');
    service.adapter.setMode('deprecation');
    const { answer } = await service.accepted(withKey(ACME));
    expect(answer.headers.deprecation).toBe(`@${world.clock() / 1000}`);
  });

  test.each([
    ['a mode that does not exist', 'Hybrid', {}, 'mode'],
    ['a misspelt client, which would be everybody', 'observe', { clientt: 'acme' }, 'clientt'],
    ['a misspelt path, which would be everything', 'observe', { route: { pathh: '/a' } }, 'pathh'],
    ['a route without a path', 'observe', { route: {} }, 'path'],
    ['a path without a slash, which would be nothing', 'observe', { route: { path: 'payments' } }, 'path'],
    ['methods that are a text', 'observe', { route: { path: '/a', methods: 'POST' } }, 'methods'],
    ['a client and a route', 'observe', { client: 'acme', route: { path: '/a' } }, 'route'],
    ['a client without a name', 'observe', { client: '' }, 'client'],
    ['a client that is a number', 'observe', { client: 7 }, 'client'],
    ['null', 'observe', null, 'options'],
  ])('refused: %s', async (_, mode, target, field) => {
    const { service, modes } = await made();
    const { adapter } = service;
    expect(await optionRefusedBy(() => adapter.setMode(mode as Mode, undefined, target as never))).toBe(
      field,
    );
    if (field !== 'mode') expect(await optionRefusedBy(() => adapter.clearMode(target as never))).toBe(field);
    expect([adapter.mode, modes()]).toEqual(['hybrid', []]);
  });

  test('client modes need to know clients', async () => {
    const { service } = await made({ clients: undefined });
    const set = () => service.adapter.setMode('observe', undefined, { client: 'acme' });
    expect(await optionRefusedBy(set)).toBe('clients');
    expect(await optionRefusedBy(() => made({ clients: undefined, clientModes: { acme: 'hybrid' } }))).toBe(
      'clients',
    );
  });

  test.each([
    [{ routeModes: {} }, 'routeModes'],
    [{ routeModes: [null] }, 'routeModes'],
    [{ routeModes: [{ path: '/a' }] }, 'routeModes'],
    [{ routeModes: [{ mode: 'hybrid' }] }, 'routeModes'],
    [{ routeModes: [{ path: 'a', mode: 'hybrid' }] }, 'routeModes'],
    [{ routeModes: [{ path: '/a', mode: 'off' }] }, 'routeModes'],
    [{ routeModes: [{ path: '/a', method: ['GET'], mode: 'hybrid' }] }, 'method'],
    [{ routeModes: [{ path: '/a', methods: 'GET', mode: 'hybrid' }] }, 'routeModes'],
    [{ routeModes: [{ path: '/a', methods: [1], mode: 'hybrid' }] }, 'routeModes'],
    [{ routeModes: [STRICT, { path: '/a', mode: 'Hybrid' }] }, 'routeModes'],
    [{ clientModes: { acme: 'off' } }, 'clientModes'],
    [{ clientModes: 'hybrid' }, 'clientModes'],
  ])('option refused: %j', async (setup, field) => {
    expect(await optionRefusedBy(() => made(setup))).toBe(field);
  });
});
