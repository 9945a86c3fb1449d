// The same caller has the same rights by key and by identity: what the validator returned x guard x way in.
import { describe, expect, test } from '@jest/globals';
import { type Agent, authOf, requireScope, xlinkFetch } from '@private.me/xlink';
import { requireScope as requireScopeInKoa } from '@private.me/xlink/koa';
import type { RequestHandler } from 'express';
import type { Middleware } from 'koa';
import { enrollment } from '../adapters/requests.js';
import {
  problemOf,
  type Sent,
  type Service,
  sealedRequest,
  signedRequest,
  withKey,
} from '../support/http.js';
import { World, type WorldWithCaller } from '../support/world.js';

const KEY = 'key-canary-same-rights-31f0';
const ALL = ['orders:read', 'orders:write', 'admin'] as const;
type Right = (typeof ALL)[number];

/** What `legacyKeyValidator` returns, and what its caller may do with that. */
const RESULTS: readonly {
  readonly name: string;
  readonly customer: object;
  readonly rights: readonly Right[];
}[] = [
  { name: 'no scopes', customer: {}, rights: [] },
  { name: 'scopes undefined', customer: { scopes: undefined }, rights: [] },
  { name: 'an empty list', customer: { scopes: [] }, rights: [] },
  { name: 'one scope', customer: { scopes: ['orders:read'] }, rights: ['orders:read'] },
  {
    name: 'two scopes',
    customer: { scopes: ['orders:write', 'orders:read'] },
    rights: ['orders:read', 'orders:write'],
  },
  { name: 'one scope twice', customer: { scopes: ['admin', 'admin'] }, rights: ['admin'] },
  { name: 'scopes that begin alike', customer: { scopes: ['orders:read:all', 'orders'] }, rights: [] },
  { name: 'a scope of the library', customer: { scopes: ['xlink:key', 'admin'] }, rights: ['admin'] },
  { name: '*', customer: { scopes: ['*'] }, rights: ALL },
  { name: '* among others', customer: { scopes: ['orders:read', '*'] }, rights: ALL },
];

/** What is no list of scopes: the key has no rights by it, and no identity is enrolled, which says so to the operator. */
const MALFORMED: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['a text', 'orders:read'],
  ['a text with several', 'admin orders:read'],
  ['an object', { 0: 'orders:read', length: 1 }],
  ['a set', new Set(['orders:read'])],
  ['a pattern', ['orders:*']],
  ['a number among them', ['orders:read:all', 7]],
];

/** Routes: one that anybody gets to who is let in, one for each guard, and one that decides by what `authOf` says. */
const ROUTES: readonly { readonly path: string; readonly right?: Right; readonly isOwn?: true }[] = [
  { path: '/open' },
  ...ALL.map((right, nr) => ({ path: `/guarded/${nr}`, right })),
  ...ALL.map((right, nr) => ({ path: `/own/${nr}`, right, isOwn: true as const })),
];

/** A check of the application's own: the scopes of a key and of an identity have one shape. */
function mayBy(auth: ReturnType<typeof authOf>, right: Right): boolean {
  const scopes = (auth as { scopes?: unknown } | undefined)?.scopes;
  return Array.isArray(scopes) && (scopes.includes(right) || scopes.includes('*'));
}

type Serve = (world: WorldWithCaller, customer: object) => Promise<Service>;
const optionsOf = (world: WorldWithCaller, customer: object) => ({
  agent: world.api,
  clock: world.clock,
  clients: world.clients,
  legacyKeyValidator: (key: string) => (key === KEY ? { clientId: 'acme', ...customer } : null),
});

const serveExpress: Serve = (world, customer) =>
  world.serve({
    ...optionsOf(world, customer),
    mount({ app, adapter, handler }) {
      app.use(adapter.middleware());
      for (const { path, right, isOwn } of ROUTES) {
        const own: RequestHandler = (req, res, next) =>
          mayBy(authOf(req), right!) ? next() : void res.status(403).end();
        app.all(path, ...(right ? [isOwn ? own : requireScope(right)] : []), handler);
      }
    },
  });

const serveKoa: Serve = (world, customer) =>
  world.serveKoa({
    ...optionsOf(world, customer),
    mount({ app, adapter, handler }) {
      app.use(adapter.koa());
      for (const { path, right, isOwn } of ROUTES) {
        const own: Middleware = async (ctx, next) => {
          if (mayBy(authOf(ctx), right!)) return next();
          Object.assign(ctx, { status: 403, body: '' });
        };
        const guard = isOwn ? own : right && requireScopeInKoa(right);
        if (guard) app.use((ctx, next) => (ctx.path === path ? guard(ctx as never, next) : next()));
      }
      app.use(handler);
    },
  });

/** `200`, or the status, the code and the scope that is named as missing. */
type Outcome = string;
interface Caller {
  readonly world: WorldWithCaller;
  readonly service: Service;
  readonly device: Agent;
}
type Way = (caller: Caller, path: string) => Promise<Outcome>;

const outcomeOf = ({ status, text, headers }: { status: number; text: string; headers: object }): Outcome => {
  if (text === '' || status !== 403) return String(status);
  const { code, scope } = problemOf({ status, text, headers } as never);
  expect(Reflect.get(headers, 'www-authenticate')).toContain(`scope="${scope}"`);
  return `${status} ${code} ${scope}`;
};

const sending =
  (make: (caller: Caller, path: string) => Sent | Promise<Sent>): Way =>
  async (caller, path) =>
    outcomeOf(await caller.service.send(await make(caller, path)));

const fetching =
  (init: RequestInit): Way =>
  async ({ world, service, device }, path) => {
    const baseUrl = `http://127.0.0.1:${service.port}`;
    const local = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };
    const call = xlinkFetch({ agent: device, baseUrl, clock: world.clock, ...local });
    const response = await call(path, init);
    const headers = Object.fromEntries(response.headers);
    return outcomeOf({ status: response.status, text: await response.text(), headers });
  };

const pairOf = ({ world, device }: Caller) => ({ api: world.api, caller: device });
const jsonBody = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"item":"tea"}' };

const WAYS: Record<string, Way> = {
  'key in X-API-Key': sending((_, path) => withKey({ path }, KEY)),
  'key as Bearer': sending((_, path) => ({ path, headers: { authorization: `Bearer ${KEY}` } })),
  'key with a body': sending((_, path) => withKey({ ...jsonBody, path } as Sent, KEY)),
  'identity, signed': sending((caller, path) => signedRequest(pairOf(caller), { path })),
  'identity, sealed': sending((caller, path) => sealedRequest(pairOf(caller), { path })),
  'xlinkFetch, GET': fetching({}),
  'xlinkFetch, POST': fetching(jsonBody),
};

/** A device that tries to enroll with the key, at a service whose validator returns this. */
async function enrolling(serve: Serve, customer: object): Promise<Caller & { readonly status: number }> {
  const world = await World.withCaller();
  const service = await serve(world, customer);
  const device = await world.stranger('device');
  const { status } = await service.send(enrollment(device, world.api, KEY));
  return { world, service, device, status };
}

async function enrolled(serve: Serve, customer: object): Promise<Caller> {
  const caller = await enrolling(serve, customer);
  expect(caller.status).toBe(200);
  return caller;
}

const few = RESULTS.filter(({ name }) => ['no scopes', 'one scope', '*'].includes(name));
const TABLES = [
  ['Express', serveExpress, RESULTS],
  ['Koa', serveKoa, few],
] as const;

describe.each(TABLES)('[A2] %s: the same rights by key and by identity', (_, serve, results) => {
  test.each(results)('$name', async ({ customer, rights }) => {
    const caller = await enrolled(serve, customer);
    const expected = ROUTES.map(({ path, right, isOwn }): [string, Outcome] => {
      const isAllowed = right === undefined || rights.includes(right);
      return [path, isAllowed ? '200' : isOwn ? '403' : `403 SCOPE_DENIED ${right}`];
    });
    for (const [way, go] of Object.entries(WAYS)) {
      const found: [string, Outcome][] = [];
      for (const { path } of ROUTES) found.push([path, await go(caller, path)]);
      expect([way, found]).toEqual([way, expected]);
    }
    expect(caller.service.calls).toHaveLength(
      expected.filter(([, outcome]) => outcome === '200').length * Object.keys(WAYS).length,
    );
  });

  test.each(MALFORMED)('scopes that are none, %s: no rights by either way', async (_, scopes) => {
    const caller = await enrolling(serve, { scopes });
    expect(caller.status).toBe(500);
    const { world, service, device } = caller;
    expect(world.registry.lookup(device.did)).toBeUndefined();
    for (const { path, right, isOwn } of ROUTES) {
      const outcome = right === undefined ? '200' : isOwn ? '403' : `403 SCOPE_DENIED ${right}`;
      expect([path, await WAYS['key in X-API-Key']!(caller, path)]).toEqual([path, outcome]);
      for (const sent of [
        await signedRequest(pairOf(caller), { path }),
        await sealedRequest(pairOf(caller), { path }),
      ]) {
        const answer = await service.send(sent);
        expect([answer.status, problemOf(answer)['subCode']]).toEqual([401, 'DID_NOT_IN_REGISTRY']);
      }
    }
    expect(service.calls).toHaveLength(1); // the open route, by key
  });

  test('[A4] a request that limits itself to one scope has no other, and never one that the key has not', async () => {
    const caller = await enrolled(serve, { scopes: ['orders:read', 'orders:write'] });
    for (const scope of ALL)
      for (const { path, right } of ROUTES.filter(({ isOwn }) => !isOwn)) {
        const outcomes = [
          await sending(() => signedRequest(pairOf(caller), { path }, { scope }))(caller, path),
          await sending(() => sealedRequest(pairOf(caller), { path }, { scope }))(caller, path),
        ];
        const missing =
          scope === 'admin' ? scope : right !== undefined && right !== scope ? right : undefined;
        const outcome = missing === undefined ? '200' : `403 SCOPE_DENIED ${missing}`;
        expect([scope, path, ...outcomes]).toEqual([scope, path, outcome, outcome]);
      }
  });

  test('no scope of the library passes a guard, whoever was granted it', () => {
    const guard = serve === serveKoa ? requireScopeInKoa : requireScope;
    expect(() => guard('xlink:key')).toThrow('xlink:');
  });
});
