import { describe, expect, test } from '@jest/globals';
import * as expressGuards from '@private.me/xlink';
import { authOf, type DualModeOptions, MemoryClientStore } from '@private.me/xlink';
import * as fastifyGuards from '@private.me/xlink/fastify';
import * as honoGuards from '@private.me/xlink/hono';
import * as koaGuards from '@private.me/xlink/koa';
import {
  PREFLIGHT,
  type RefusalText,
  type Sent,
  type Service,
  sealedRequest,
  signedRequest,
} from '../support/http.js';
import { type Meddle, STAGES } from '../support/stages/stages.js';
import { World, type WorldWithCaller } from '../support/world.js';

type Guarded = 'xlink' | 'scope';

/** What the validator says of each key. */
const KEYS: Record<string, object> = {
  reader: { scopes: ['orders:write', 'orders:read'] },
  writer: { scopes: ['orders:write'] },
  root: { scopes: ['*'] },
  unscoped: { plan: 'free' },
  text: { scopes: 'orders:read' },
  impostor: { mode: 'xlink', did: 'did:key:z6Mk', scope: 'orders:read' },
};

const nothing: Meddle = () => {};

const SCOPE_GUARDS = { Express: expressGuards, Koa: koaGuards, Fastify: fastifyGuards, Hono: honoGuards };

describe.each(STAGES)('$name', (stage) => {
  const serve = async (
    guard: Guarded,
    {
      meddle = nothing,
      options = {},
      at = 'root',
    }: { meddle?: Meddle; options?: Partial<DualModeOptions>; at?: 'root' | 'nowhere' } = {},
  ) => {
    const known = await World.withCaller();
    const name = guard === 'xlink' ? guard : { scope: 'orders:read' };
    const service = await stage.serve(
      known,
      { legacyKeyValidator: (key) => KEYS[key] ?? null, ...options },
      { at, meddle, guard: { name } },
    );
    return { known, service };
  };

  const expectOutcome = async (service: Service, sent: Sent, outcome: 'ok' | RefusalText) => {
    if (outcome !== 'ok') return service.refused(sent, outcome);
    expect((await service.send(sent)).status).toBe(200);
    return undefined;
  };

  const key = (name: string) => (): Sent => ({ headers: { 'x-api-key': name } });
  const signed = (scope: string) => (known: WorldWithCaller) => signedRequest(known, {}, { scope });
  const sealed = (scope: string) => (known: WorldWithCaller) => sealedRequest(known, {}, { scope });
  type Row = [
    string,
    (known: WorldWithCaller) => Sent | Promise<Sent>,
    xlink: 'ok' | RefusalText,
    scope: 'ok' | RefusalText,
  ];
  const rows: Row[] = [
    ['nobody', () => ({}), '401 CREDENTIALS_MISSING', '401 CREDENTIALS_MISSING'],
    ['an unauthenticated OPTIONS', () => PREFLIGHT, '401 CREDENTIALS_MISSING', '401 CREDENTIALS_MISSING'],
    ['a key with the scope', key('reader'), '401 XLINK_REQUIRED', 'ok'],
    ['a key with another scope', key('writer'), '401 XLINK_REQUIRED', '403 SCOPE_DENIED'],
    ['a key with *', key('root'), '401 XLINK_REQUIRED', 'ok'],
    ['a key without scopes', key('unscoped'), '401 XLINK_REQUIRED', '403 SCOPE_DENIED'],
    ['a key whose scopes are no list', key('text'), '401 XLINK_REQUIRED', '403 SCOPE_DENIED'],
    ['a key whose validator says xlink', key('impostor'), '401 XLINK_REQUIRED', '403 SCOPE_DENIED'],
    ['a signed request with the scope', signed('orders:read'), 'ok', 'ok'],
    ['a sealed request with the scope', sealed('orders:read'), 'ok', 'ok'],
    ['a signed request with another scope', signed('orders:write'), 'ok', '403 SCOPE_DENIED'],
    ['a signed request with a longer scope', signed('orders:read:all'), 'ok', '403 SCOPE_DENIED'],
    ['a signed request with the default scope', signed('default'), 'ok', '403 SCOPE_DENIED'],
  ];

  describe.each<Guarded>(['xlink', 'scope'])('guard %s', (guard) => {
    const outcomeOf = ([, , xlink, scope]: Row) => (guard === 'xlink' ? xlink : scope);
    const table = rows.map((row) => ({ name: row[0], make: row[1], outcome: outcomeOf(row) }));

    test.each(table)('$name: $outcome', async ({ make, outcome }) => {
      const { known, service } = await serve(guard);
      await expectOutcome(service, await make(known), outcome);
      expect(service.calls).toHaveLength(outcome === 'ok' ? 1 : 0);
    });

    const FORGED = { mode: 'xlink', did: 'did:key:z6MkForged', scope: 'orders:read', scopes: ['*'] };
    const meddlers: [string, Meddle][] = [
      ['writes auth', (place) => void Object.assign(place, { auth: FORGED })],
      ['changes auth', (place) => void Object.assign((place.auth ??= {}), FORGED)],
      [
        'adds to the scopes of auth',
        ({ auth }) => void (auth as { scopes?: string[] } | undefined)?.scopes?.push?.('orders:read', '*'),
      ],
      ['removes auth', (place) => void delete place.auth],
      ['writes auth on the request of Node', (_, req) => void Object.assign(req, { auth: FORGED })],
      [
        'tries to change what authOf returns',
        (_, req) => {
          const auth = authOf(req) as { scopes?: unknown } | undefined;
          Reflect.set(auth ?? {}, 'scope', 'orders:read');
          Reflect.set(auth ?? {}, 'mode', 'xlink');
          if (Array.isArray(auth?.scopes)) Reflect.set(auth.scopes, '0', '*');
        },
      ],
    ];
    test.each(meddlers)('is not fooled by a library that %s', async (_, meddle) => {
      const { known, service } = await serve(guard, {
        meddle,
        options: { skip: ({ target }) => target === '/open' },
      });
      for (const row of rows) await expectOutcome(service, await row[1](known), outcomeOf(row));
      await service.refused({ path: '/open' }, '401 CREDENTIALS_MISSING');
    });

    test('refuses everybody where no adapter is in front', async () => {
      const { known, service } = await serve(guard, { at: 'nowhere' });
      const answer = await service.refused(await signed('orders:read')(known), '401 CREDENTIALS_MISSING');
      expect(answer.headers['www-authenticate']).toContain('Xlink realm="api"');
    });
  });

  test('what a guard refuses is a failure of that client, in events and in the report', async () => {
    const clients = new MemoryClientStore();
    const clientId = () => 'by-key';
    const { known, service } = await serve('scope', { options: { clients, clientId } });
    await clients.link(known.caller.did, 'acme');
    for (const sent of [await signed('orders:write')(known), key('writer')()])
      await service.refused(sent, '403 SCOPE_DENIED');
    for (const sent of [await signed('orders:read')(known), key('reader')()])
      expect((await service.send(sent)).status).toBe(200);
    await service.quiet();
    const told = service.events.filter(({ type }) => type === 'request');
    const refused = { outcome: 'refused', reason: 'SCOPE_DENIED', status: 403 };
    const accepted = { outcome: 'accepted', reason: 'ok', status: 200 };
    expect(told).toMatchObject([
      { ...refused, method: 'xlink', did: known.caller.did, client: 'acme' },
      { ...refused, method: 'api-key', client: 'by-key' },
      { ...accepted, method: 'xlink' },
      { ...accepted, method: 'api-key' },
    ]);
    const { adapter } = service;
    expect((await adapter.report()).clients).toMatchObject([
      { client: 'acme', xlinkRequests: 1, failures: { SCOPE_DENIED: 1 } },
      { client: 'by-key', keyRequests: 1, failures: { SCOPE_DENIED: 1 } },
    ]);
    expect(adapter.getMetrics()).toMatchObject({ xlinkRequests: 1, apiKeyRequests: 1 });
  });

  test('refusals look like those of the adapter', async () => {
    const options = {
      realm: 'shop',
      exposeDetails: true,
      deprecation: { migrationUrl: 'https://shop.example/move' },
    };
    const { service } = await serve('xlink', { options });
    const answer = await service.refused(key('reader')(), '401 XLINK_REQUIRED');
    expect(answer.headers).toMatchObject({
      'www-authenticate': 'Xlink realm="shop", error="XLINK_REQUIRED"',
      'x-migration-url': 'https://shop.example/move',
      link: '<https://shop.example/move>; rel="deprecation"; type="text/html"',
    });
    expect(JSON.parse(answer.text)).toMatchObject({ authMethod: 'api-key', detail: expect.any(String) });

    const scoped = await serve('scope', { options });
    const denied = await scoped.service.refused(
      await signed('orders:write')(scoped.known),
      '403 SCOPE_DENIED',
    );
    expect(JSON.parse(denied.text)).toMatchObject({
      authMethod: 'xlink',
      detail: expect.any(String),
      field: 'scope',
      scope: 'orders:read',
    });
  });

  test('a refusal keeps the warning that the key is deprecated', async () => {
    const { service } = await serve('scope', { options: { mode: 'deprecation' } });
    const { headers } = await service.refused(key('writer')(), '403 SCOPE_DENIED');
    expect(headers['x-deprecated-auth']).toBe('true');
  });

  test('a refusal by requireXlink is counted as one, too, once', async () => {
    const { service } = await serve('xlink');
    await service.refused(key('writer')(), '401 XLINK_REQUIRED');
    expect(service.events.filter(({ type }) => type === 'request')).toMatchObject([
      { outcome: 'refused', reason: 'XLINK_REQUIRED', method: 'api-key', status: 401 },
    ]);
  });

  test('HEAD is refused without a body', async () => {
    const { service } = await serve('xlink');
    const answer = await service.send({ ...key('reader')(), method: 'HEAD' });
    expect([answer.status, answer.text]).toEqual([401, '']);
  });
});

describe.each(Object.entries(SCOPE_GUARDS))('the guards for %s', (_, { requireXlink, requireScope }) => {
  test('requireXlink with arguments, which would do nothing, is a mistake that is told at once', () => {
    expect(() => (requireXlink as (scope: string) => unknown)('orders:read')).toThrow(
      expect.objectContaining({ id: 'INVALID_OPTION', field: 'scope' }),
    );
  });

  test.each(
    [['', undefined, null, '*', 'orders read', 'ä', 'x'.repeat(129), ['orders:read'], { scope: 'a' }]].flat(),
  )('requireScope(%j) is a mistake that is told at once', (scope) => {
    expect(() => requireScope(scope as string)).toThrow(
      expect.objectContaining({ id: 'INVALID_OPTION', field: 'scope' }),
    );
  });
});
