import { describe, expect, test } from '@jest/globals';
import {
  DualModeAdapter,
  MemoryClientStore,
  MemoryTrustRegistry,
  requestBinding,
  type WarningEvent,
} from '@private.me/xlink';
import { ENROLL_PATH } from '../../src/http/enrollment.js';
import { KEY_PATH, KEY_SCOPE } from '../../src/http/own-routes.js';
import { enrollment, signed } from '../adapters/requests.js';
import { printed } from '../support/console.js';
import { FRAMEWORKS as EXPRESSES, type Mounted } from '../support/express.js';
import { ACME, json, ORDER, type Service, sealedRequest, signedRequest, withKey } from '../support/http.js';
import { having, STAGES } from '../support/stages/stages.js';
import { World, type WorldWithCaller } from '../support/world.js';

const DOCUMENT = '/.well-known/xlink.json';

const warningsOf = (service: Pick<Service, 'of'>): string[] => service.of('warning').map(({ code }) => code);

describe.each(STAGES)('$name: the routes of the library', ({ serve }) => {
  test('[C7] come before skip', async () => {
    const known = await World.withCaller();
    const device = await known.stranger('device');
    const service = await serve(known, { clients: known.clients, skip: () => true });
    const { status, text } = await service.send({ path: DOCUMENT });
    expect([status, JSON.parse(text).did]).toEqual([200, known.api.did]);
    expect((await service.send(await enrollment(device, known.api, ACME))).status).toBe(200);
    const off = await signed(device, known.api, { method: 'DELETE', path: KEY_PATH }, { scope: KEY_SCOPE });
    expect(JSON.parse((await service.send(off)).text)).toMatchObject({ client: 'acme', key: 'off' });
    await service.accepted({ path: '/anything' });
    expect(service.of('request')).toEqual([]);
  });

  test('skip is asked about what is not one of them, such as another method or a longer path', async () => {
    const known = await World.withCaller();
    const asked: string[] = [];
    const service = await serve(known, {
      skip: ({ method, target }) => {
        asked.push(`${method} ${target}`);
        return true;
      },
    });
    for (const sent of [
      { method: 'POST', path: DOCUMENT },
      { path: `${DOCUMENT}x` },
      { method: 'POST', path: ENROLL_PATH },
    ])
      await service.accepted(sent); // without clients there is no enrollment
    expect(asked).toEqual([`POST ${DOCUMENT}`, `GET ${DOCUMENT}x`, `POST ${ENROLL_PATH}`]);
  });
});

describe.each(STAGES)('$name: [C7] an adapter below a path', (stage) => {
  const belowPath = having(stage, 'own routes below a path');
  /** The adapter at `/v1` of an API, whose root has a route of its own. */
  const serve = (known: World, placed: 'below' | 'below, and at the root', options: object = {}) =>
    stage.serve(known, { clients: known.clients, ...options }, { at: '/v1', wellKnown: placed !== 'below' });

  test('with wellKnown() at the root: clients find it, enroll and call', async () => {
    const known = await World.withCaller();
    const device = await known.stranger('device');
    const service = await serve(known, 'below, and at the root');
    expect(JSON.parse((await service.send({ path: DOCUMENT })).text)).toMatchObject({
      did: known.api.did,
      endpoints: { enroll: ENROLL_PATH },
    });
    expect((await service.send(await enrollment(device, known.api, ACME))).status).toBe(200);
    await service.accepted(sealedRequest({ api: known.api, caller: device }, { path: '/v1/orders' }));
    await service.accepted({ path: '/open' });
    await service.refused({ path: '/v1/orders' }, '401 CREDENTIALS_MISSING');
    await service.refused({ method: 'POST', path: ENROLL_PATH }, '401 CREDENTIALS_MISSING');
    expect(warningsOf(service)).toEqual([]);
  });

  test('without it: a warning says what to do, once', async () => {
    const known = await World.withCaller();
    const service = await serve(known, 'below');
    for (let i = 0; i < 3; i++) await service.accepted(withKey({ path: '/v1/orders' }, ACME));
    expect((await service.send({ path: DOCUMENT })).status).toBe(404);
    expect(service.of('warning')).toMatchObject([
      { code: 'DISCOVERY_FAILED:NOT_SUPPORTED', message: expect.stringContaining('adapter.wellKnown()') },
    ]);
  });

  belowPath.test('without it: they are found below the path', async () => {
    const known = await World.withCaller();
    const service = await serve(known, 'below');
    const { status, text } = await service.send({ path: `/v1${DOCUMENT}` });
    expect([status, JSON.parse(text).did]).toEqual([200, known.api.did]);
  });

  belowPath.test(
    'behind a proxy that adds the path, with requestTarget: there is nothing to warn of',
    async () => {
      const known = await World.withCaller();
      const requestTarget = ({ target }: { target: string }) => target.replace(/^\/v1/, '');
      const service = await serve(known, 'below', { requestTarget });
      const { status, text } = await service.send({ path: `/v1${DOCUMENT}` });
      expect([status, JSON.parse(text).did]).toEqual([200, known.api.did]);
      await service.accepted(withKey({ path: '/v1/orders' }, ACME));
      expect(warningsOf(service)).toEqual([]);
    },
  );
});

describe.each(STAGES)(
  '$name: behind a proxy that cuts a prefix off, for all but /.well-known/',
  ({ serve }) => {
    test('the routes of the library are at the root of the origin, as callers look for them', async () => {
      const known = await World.withCaller();
      const device = await known.stranger('device');
      const service = await serve(known, {
        requestTarget: ({ target }) => `/orders-api${target}`,
        routeModes: [{ path: '/orders-api/orders', mode: 'hybrid' }],
        clients: known.clients,
        mode: 'xlink-only',
        clientModes: { acme: 'hybrid' },
      });
      expect(JSON.parse((await service.send({ path: DOCUMENT })).text)).toMatchObject({ did: known.api.did });
      expect((await service.send(await enrollment(device, known.api, ACME))).status).toBe(200);
      await service.accepted(withKey({ path: '/orders' }, ACME));
      const request = requestBinding('POST', '/orders-api/orders');
      await service.accepted(
        sealedRequest({ api: known.api, caller: device }, { path: '/orders' }, { request }),
      );
      await service.refused({ path: '/orders' }, '401 CREDENTIALS_MISSING');
    });
  },
);

describe.each(EXPRESSES)('$name: what will not work is said once, with what to do', ({ express }) => {
  const served = async (place: (parts: Mounted) => void, options: object = {}) => {
    const known = await World.withCaller();
    return { known, service: await known.serve({ express, mount: place, ...options }) };
  };

  test('on single routes', async () => {
    const { service } = await served(
      ({ app, adapter, handler }) => void app.get('/orders', adapter.middleware(), handler),
    );
    for (let i = 0; i < 2; i++) await service.accepted(withKey());
    expect(warningsOf(service)).toEqual(['DISCOVERY_FAILED:NOT_SUPPORTED']);
  });

  test('behind a body parser, at the first body that a key brings', async () => {
    const { service } = await served(
      ({ app, adapter, express: make, handler }) => void app.use(make.json(), adapter.middleware(), handler),
    );
    await service.accepted(withKey());
    expect(warningsOf(service)).toEqual([]);
    for (let i = 0; i < 2; i++) await service.accepted(withKey(json(ORDER)));
    expect(service.of('warning')).toMatchObject([
      { code: 'BODY_CONSUMED', message: expect.stringContaining('in front of the parsers') },
    ]);
  });

  test.each<[string, (parts: Mounted) => void]>([
    [
      'in front of parsers',
      ({ app, adapter, express: make, handler }) => void app.use(adapter.middleware(), make.json(), handler),
    ],
    [
      'behind one that leaves a Buffer',
      ({ app, adapter, express: make, handler }) =>
        void app.use(make.raw({ type: '*/*' }), adapter.middleware(), handler),
    ],
    [
      'behind one that keeps rawBody',
      ({ app, adapter, express: make, handler }) =>
        void app.use(
          make.json({ verify: (req, _res, rawBody) => void Object.assign(req, { rawBody }) }),
          adapter.middleware(),
          handler,
        ),
    ],
  ])('%s there is nothing to warn of', async (_, place) => {
    const { known, service } = await served(place);
    await service.accepted(withKey(json(ORDER)));
    await service.accepted(signedRequest(known, json(ORDER)));
    await service.accepted(sealedRequest(known));
    expect(warningsOf(service)).toEqual([]);
  });

  test('behind a proxy that strips a path, without requestTarget', async () => {
    const { known, service } = await served(
      ({ app, adapter, handler }) => void app.use(adapter.middleware(), handler),
    );
    const stripped = async (make: typeof sealedRequest) => ({
      ...(await make(known, { path: '/api/orders' })),
      path: '/orders',
    });
    for (const make of [signedRequest, sealedRequest, sealedRequest])
      await service.refused(await stripped(make), '401 REQUEST_BINDING_MISMATCH');
    expect(service.of('warning')).toMatchObject([
      { code: 'REQUEST_BINDING_MISMATCH', message: expect.stringContaining('requestTarget') },
    ]);
    expect(service.of('warning')[0]!.message).not.toContain('/api');
  });

  test('an envelope that was made for another route is no reason to warn', async () => {
    const { known, service } = await served(
      ({ app, adapter, handler }) => void app.use(adapter.middleware(), handler),
    );
    await service.refused(
      { ...(await signedRequest(known, { path: '/refunds' })), path: '/orders' },
      '401 REQUEST_BINDING_MISMATCH',
    );
    await service.refused(
      { ...(await signedRequest(known)), method: 'DELETE' },
      '401 REQUEST_BINDING_MISMATCH',
    );
    expect(warningsOf(service)).toEqual([]);
  });

  test('without an observer it is printed', async () => {
    const { api } = await World.withCaller();
    const adapter = new DualModeAdapter({
      agent: api,
      mode: 'hybrid',
      legacyKeyValidator: () => ({ id: 'acme' }),
    });
    const { service } = await served(({ app, handler }) => {
      app.use('/v1', adapter.middleware());
      app.use(handler);
    });
    const before = printed.length;
    for (let i = 0; i < 2; i++)
      expect((await service.send(withKey({ path: '/v1/orders' }))).status).toBe(200);
    expect(printed.slice(before)).toEqual([
      expect.stringContaining('xlink: DISCOVERY_FAILED:NOT_SUPPORTED: '),
    ]);
  });
});

describe('[E4] a registry in memory beside clients that are not', () => {
  /** Any store that is not the one in memory. */
  const durable = () => {
    const { constructor: _, ...methods } = Object.getOwnPropertyDescriptors(MemoryClientStore.prototype);
    const store = new MemoryClientStore();
    return Object.fromEntries(
      Object.entries(methods).map(([name, { value }]) => [name, value.bind(store)]),
    ) as unknown as MemoryClientStore;
  };

  const warned = ({ api }: WorldWithCaller, options: object): WarningEvent[] => {
    const events: WarningEvent[] = [];
    new DualModeAdapter({
      agent: api,
      legacyKeyValidator: () => null,
      observers: [(event) => void (event.type === 'warning' && events.push(event))],
      ...options,
    });
    return events;
  };

  test('is warned of when the adapter is made', async () => {
    const known = await World.withCaller();
    expect(warned(known, { clients: durable() })).toMatchObject([
      {
        code: 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
        message: expect.stringContaining('FileTrustRegistry'),
      },
    ]);
  });

  test('both in memory, or a registry of another kind, are not', async () => {
    const known = await World.withCaller();
    expect(warned(known, { clients: known.clients })).toEqual([]);
    expect(warned(known, {})).toEqual([]);
    const inner = new MemoryTrustRegistry();
    const registry = { lookup: (did: string) => inner.lookup(did) };
    const agent = await known.agent('other', {
      registry: Object.assign(registry, { register: inner.register.bind(inner) }) as never,
    });
    expect(warned(known, { agent, clients: durable() })).toEqual([]);
  });
});
