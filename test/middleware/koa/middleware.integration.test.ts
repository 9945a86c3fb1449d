import { describe, expect, test } from '@jest/globals';
import Router from '@koa/router';
import { authOf, type Mode, type XlinkAuth } from '@private.me/xlink';
import { koaMiddleware } from '@private.me/xlink/koa';
import express from 'express';
import { KEY_PATH } from '../../../src/adapters/well-known.js';
import {
  bodyForm,
  headerForm,
  json,
  ORDER,
  type RefusalText,
  type Sent,
  sealedRequest,
  signedEnvelope,
  signedRequest,
  withKey,
} from '../../support/http.js';
import { KOAS } from '../../support/koa.js';
import { World, type WorldWithCaller } from '../../support/world.js';
import { counted, serveKnown } from './support.js';

describe.each(KOAS)('$name', ({ Koa }) => {
  describe('what a mode takes', () => {
    type Make = (known: WorldWithCaller) => Promise<Sent> | Sent;
    const requests: [string, Make][] = [
      ['nothing', () => ({})],
      ['a key', () => withKey()],
      ['a wrong key', () => withKey({}, 'some-wrong-key')],
      ['a signed request', (known) => signedRequest(known)],
      ['a sealed request', (known) => sealedRequest(known)],
      [
        'a bad envelope and a key',
        async (known) => withKey({ ...(await signedRequest(known)), path: '/other' }),
      ],
    ];
    const MISSING = '401 CREDENTIALS_MISSING';
    const WRONG = '401 API_KEY_INVALID';
    const BOUND_ELSEWHERE = '401 REQUEST_BINDING_MISMATCH';
    const table: [Mode, ('api-key' | 'xlink' | RefusalText)[]][] = [
      [
        'observe',
        [MISSING, 'api-key', WRONG, '415 XLINK_NOT_SUPPORTED', '415 XLINK_NOT_SUPPORTED', 'api-key'],
      ],
      ['hybrid', [MISSING, 'api-key', WRONG, 'xlink', 'xlink', BOUND_ELSEWHERE]],
      ['deprecation', [MISSING, 'api-key', WRONG, 'xlink', 'xlink', BOUND_ELSEWHERE]],
      [
        'xlink-only',
        [MISSING, '401 XLINK_REQUIRED', '401 XLINK_REQUIRED', 'xlink', 'xlink', BOUND_ELSEWHERE],
      ],
    ];
    const rows = table.flatMap(([mode, outcomes]) =>
      requests.map(([name, make], at) => ({ mode, name, make, outcome: outcomes[at]! })),
    );

    test.each(rows)('$mode: $name is $outcome', async ({ mode, make, outcome }) => {
      const { known, service } = await serveKnown({ Koa, mode });
      const sent = await make(known);
      if (outcome !== 'api-key' && outcome !== 'xlink') {
        await service.refused(sent, outcome);
        expect(counted(service)).toEqual([`refused ${outcome.slice(4)} ${outcome.slice(0, 3)} unmatched`]);
        return;
      }
      expect((await service.send(sent)).status).toBe(200);
      await service.quiet();
      expect(service.calls).toMatchObject([{ auth: { mode: outcome }, authOf: { mode: outcome } }]);
      expect(counted(service)).toEqual(['accepted ok 200 unmatched']);
    });

    test('changes with setMode for the next request', async () => {
      const known = await World.withCaller();
      const service = await known.serveKoa({ Koa });
      expect((await service.send(withKey())).status).toBe(200);
      service.adapter.setMode('xlink-only');
      await service.refused(withKey(), '401 XLINK_REQUIRED');
      service.adapter.setMode('hybrid');
      expect((await service.send(withKey())).status).toBe(200);
    });
  });

  describe('what a handler finds', () => {
    test('of a key: what the validator returned', async () => {
      const known = await World.withCaller();
      const service = await known.serveKoa({ Koa });
      await service.send(withKey(json(ORDER)));
      const auth = { mode: 'api-key', userId: 'u1' };
      expect(service.calls).toEqual([expect.objectContaining({ auth, authOf: auth, message: undefined })]);
      expect(service.calls[0]!.stream.toString()).toBe(JSON.stringify(ORDER));
    });

    test.each([1, 2, 3] as const)('of a sealed body of version %d', async (version) => {
      const known = await World.withCaller({ maxVersion: 3 }, { maxVersion: version });
      const service = await known.serveKoa({ Koa });
      expect((await service.send(await sealedRequest(known, {}, { scope: 'orders:write' }))).status).toBe(
        200,
      );
      const [call] = service.calls;
      const identity = { scope: 'orders:write', version, encrypted: true };
      expect(call).toMatchObject({
        headers: { 'content-type': 'application/json', 'content-length': `${JSON.stringify(ORDER).length}` },
        body: ORDER,
        auth: { mode: 'xlink', did: known.caller.did, ...identity },
        message: { sender: known.caller.did, payload: ORDER, request: 'POST /orders', ...identity },
      });
      expect(call!.auth).toEqual(call!.authOf);
      expect(call!.message!.envelopeId).toBe((call!.auth as XlinkAuth).envelopeId);
      expect(call!.stream.toString()).toBe(JSON.stringify(ORDER));
    });

    test.each([1, 2, 3] as const)('of an envelope of version %d in a header', async (version) => {
      const known = await World.withCaller({ maxVersion: 3 }, { maxVersion: version });
      const service = await known.serveKoa({ Koa });
      const sent = await signedRequest(known, { method: 'DELETE', path: '/orders/7?really=1' });
      expect((await service.send(sent)).status).toBe(200);
      expect(service.calls).toMatchObject([
        {
          url: '/orders/7?really=1',
          body: undefined,
          auth: { mode: 'xlink', did: known.caller.did, version, encrypted: false },
        },
      ]);
    });

    test('by authOf, whether asked with the context or with the request of Node', async () => {
      const known = await World.withCaller();
      const found: unknown[] = [];
      const service = await known.serveKoa({
        Koa,
        mount({ app, adapter }) {
          app.use(koaMiddleware(adapter));
          app.use((ctx) => {
            found.push(authOf(ctx), authOf(ctx.req), authOf(ctx.request));
            ctx.status = 204;
          });
        },
      });
      await service.send(await signedRequest(known));
      expect(found[0]).toMatchObject({ mode: 'xlink', did: known.caller.did });
      expect(found).toEqual([found[0], found[0], undefined]);
    });
  });

  describe('a refusal', () => {
    test.each([
      ['observe', 'ApiKey realm="shop"'],
      ['hybrid', 'Xlink realm="shop", error="CREDENTIALS_MISSING", ApiKey realm="shop"'],
      ['xlink-only', 'Xlink realm="shop", error="CREDENTIALS_MISSING"'],
    ] as const)('in %s names the schemes that are taken', async (mode, challenge) => {
      const known = await World.withCaller();
      const service = await known.serveKoa({ Koa, mode, realm: 'shop' });
      const answer = await service.refused({}, '401 CREDENTIALS_MISSING');
      expect(answer.headers['www-authenticate']).toBe(challenge);
    });

    test('of a HEAD has all but the body', async () => {
      const known = await World.withCaller();
      const service = await known.serveKoa({ Koa });
      const answer = await service.send({ method: 'HEAD' });
      expect(answer).toMatchObject({
        status: 401,
        text: '',
        headers: { 'content-type': 'application/problem+json', 'www-authenticate': expect.any(String) },
      });
    });

    test('is seen by middleware in front like any other answer', async () => {
      const known = await World.withCaller();
      const seen: unknown[] = [];
      const service = await known.serveKoa({
        Koa,
        mount({ app, adapter, handler }) {
          app.use(async (ctx, next) => {
            ctx.set('Link', '</terms>; rel="terms-of-service"');
            await next();
            seen.push(ctx.status, ctx.type, JSON.parse(ctx.body as string).code);
          });
          app.use(adapter.koa()).use(handler);
        },
        mode: 'xlink-only',
        deprecation: { migrationUrl: 'https://shop.example/move' },
      });
      const answer = await service.refused(withKey(), '401 XLINK_REQUIRED');
      expect(seen).toEqual([401, 'application/problem+json', 'XLINK_REQUIRED']);
      expect(answer.headers).toMatchObject({
        'x-migration-url': 'https://shop.example/move',
        link: '</terms>; rel="terms-of-service", <https://shop.example/move>; rel="deprecation"; type="text/html"',
      });
    });

    test('is counted even if the answer was sent before by somebody else', async () => {
      const known = await World.withCaller();
      const service = await known.serveKoa({
        Koa,
        mount({ app, adapter, handler }) {
          app.use(async (ctx, next) => {
            ctx.respond = false;
            ctx.res.writeHead(503).flushHeaders();
            await next();
            ctx.res.end();
          });
          app.use(adapter.koa()).use(handler);
        },
      });
      expect((await service.send({})).status).toBe(503);
      await service.quiet();
      expect(counted(service)).toEqual(['refused CREDENTIALS_MISSING 503 unmatched']);
      expect(service.calls).toEqual([]);
    });
  });

  test('OPTIONS passes, unauthenticated and uncounted', async () => {
    const known = await World.withCaller();
    const service = await known.serveKoa({ Koa, mode: 'xlink-only' });
    expect((await service.send({ method: 'OPTIONS' })).status).toBe(200);
    await service.quiet();
    expect(service.calls).toMatchObject([{ auth: undefined, authOf: undefined }]);
    expect(counted(service)).toEqual([]);
  });

  test('one envelope sent fifty times at once is accepted once', async () => {
    const { known, service } = await serveKnown({ Koa });
    const sent = await sealedRequest(known);
    const answers = await Promise.all(Array.from({ length: 50 }, () => service.send(sent)));
    await service.quiet();
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(49).fill(409)]);
    expect(service.calls).toHaveLength(1);
    expect(counted(service)).toHaveLength(50);
    expect(service.adapter.getMetrics()).toMatchObject({ xlinkRequests: 1, failedAuth: 49 });
  });

  test('the routes of the adapter itself are answered', async () => {
    const known = await World.withCaller();
    const { api } = known;
    const service = await known.serveKoa({ Koa });
    const answer = await service.send({ path: '/.well-known/xlink.json' });
    expect([answer.status, JSON.parse(answer.text).did]).toEqual([200, api.did]);
    expect(answer.headers['content-type']).toBe('application/json');
    expect((await service.send({ method: 'DELETE', path: KEY_PATH })).status).toBe(401);
    expect(service.calls).toEqual([]);
  });

  describe('deprecation headers', () => {
    const options = {
      mode: 'deprecation',
      deprecation: {
        since: new Date('2025-01-01'),
        sunset: new Date('2026-01-01'),
        migrationUrl: 'https://shop.example/move',
      },
    } as const;
    const HEADERS = {
      'x-deprecated-auth': 'true',
      deprecation: '@1735689600',
      sunset: 'Thu, 01 Jan 2026 00:00:00 GMT',
      'x-migration-url': 'https://shop.example/move',
      link: '<https://shop.example/move>; rel="deprecation"; type="text/html"',
      'access-control-expose-headers': expect.stringContaining('Deprecation'),
    };

    test('go to callers with a key and to no other', async () => {
      const { known, service } = await serveKnown({ Koa, ...options });
      expect((await service.send(withKey())).headers).toMatchObject(HEADERS);
      const { headers } = await service.send(await signedRequest(known));
      expect(Object.keys(headers).filter((name) => name in HEADERS)).toEqual([]);
    });

    test.each([
      ['an error of Koa', 404, (ctx: { throw(status: number): never }) => ctx.throw(404)],
      ['something that is no error', 500, () => throwThis('x')],
    ] as const)('survive %s', async (_, status, fail) => {
      const { known, service } = await serveKnown({
        Koa,
        ...options,
        mount({ app, adapter }) {
          app.use(adapter.koa());
          app.use((ctx) => {
            ctx.set('Link', '</next>; rel="next"');
            fail(ctx);
          });
        },
      });
      const answer = await service.send(withKey());
      await service.quiet();
      expect(answer).toMatchObject({ status, headers: HEADERS });
      const byEnvelope = await service.send(await signedRequest(known));
      expect(Object.keys(byEnvelope.headers).filter((name) => name in HEADERS)).toEqual([]);
    });

    test('do not stick to an error that several requests share', async () => {
      const known = await World.withCaller();
      const shared = Object.assign(new Error('gone'), { status: 410 });
      const service = await known.serveKoa({
        Koa,
        ...options,
        mount({ app, adapter }) {
          app.use(adapter.koa()).use(() => throwThis(shared));
        },
      });
      expect((await service.send(withKey())).headers).toMatchObject(HEADERS);
      const { status, headers } = await service.send(await signedRequest(known));
      expect([status, headers['x-deprecated-auth']]).toEqual([410, undefined]);
    });

    test('leave a header of the handler alone', async () => {
      const known = await World.withCaller();
      const service = await known.serveKoa({
        Koa,
        ...options,
        mount({ app, adapter }) {
          app.use(adapter.koa()).use((ctx) => {
            ctx.append('Link', '</next>; rel="next"');
            ctx.set('Sunset', 'never');
            ctx.body = 'ok';
          });
        },
      });
      const { headers } = await service.send(withKey());
      expect(headers).toMatchObject({ link: `${HEADERS.link}, </next>; rel="next"`, sunset: 'never' });
    });
  });

  describe('a request is counted once', () => {
    test.each([
      ['404 from an error', 404, { status: 404 }],
      ['500 from an error', 500, {}],
    ])('%s of the handler', async (_, status, more) => {
      const known = await World.withCaller();
      const errors: unknown[] = [];
      const thrown = Object.assign(new Error('no'), more);
      const service = await known.serveKoa({
        Koa,
        mount({ app, adapter }) {
          app.on('error', (error) => errors.push(error));
          app.use(adapter.koa()).use(() => throwThis(thrown));
        },
      });
      expect((await service.send(await sealedRequest(known))).status).toBe(status);
      await service.quiet();
      expect(errors).toEqual([thrown]);
      expect(counted(service)).toEqual([`accepted ok ${status} unmatched`]);
    });

    test('404 where no handler answers', async () => {
      const known = await World.withCaller();
      const service = await known.serveKoa({ Koa, mount: ({ app, adapter }) => void app.use(adapter.koa()) });
      expect((await service.send(withKey())).status).toBe(404);
      await service.quiet();
      expect(counted(service)).toEqual(['accepted ok 404 unmatched']);
    });

    test('under the template of its route, prefixes and all', async () => {
      const { known, service } = await serveKnown({
        Koa,
        mount({ app, adapter, handler }) {
          const orders = new Router({ prefix: '/orders' });
          orders.get('/:id', handler).get(/^\/v\d+$/, handler);
          const v1 = new Router({ prefix: '/v1' }).use(orders.routes());
          app.use(adapter.koa()).use(v1.routes());
        },
      });
      for (const path of ['/v1/orders/7', '/v1/orders/8?x=1', '/v1/nothing', '/elsewhere'])
        await service.send(await signedRequest(known, { path }));
      await service.send({ path: '/v1/orders/7' });
      await service.quiet();
      expect(counted(service)).toEqual([
        'accepted ok 200 /v1/orders/:id',
        'accepted ok 200 /v1/orders/:id',
        'accepted ok 404 unmatched',
        'accepted ok 404 unmatched',
        'refused CREDENTIALS_MISSING 401 unmatched',
      ]);
    });

    test('when the adapter stands inside a router', async () => {
      const { known, service } = await serveKnown({
        Koa,
        mount({ app, adapter, handler }) {
          const router = new Router({ prefix: '/api' });
          router.use(adapter.koa()).get('/orders/:id', handler);
          app.use(router.routes());
        },
      });
      expect((await service.send(await signedRequest(known, { path: '/api/orders/7' }))).status).toBe(200);
      await service.refused({ path: '/api/orders/7' }, '401 CREDENTIALS_MISSING');
      expect(counted(service)).toHaveLength(2);
      expect(counted(service)[0]).toBe('accepted ok 200 /api/orders/:id');
    });
  });

  describe('the target that an envelope is bound to', () => {
    const shortened: Sent = { path: '/api/orders/7?full=1' };

    test('is the one the client sent, whatever middleware in front made of it', async () => {
      const known = await World.withCaller();
      const paths: string[] = [];
      const service = await known.serveKoa({
        Koa,
        mount({ app, adapter, handler }) {
          app.use((ctx, next) => {
            ctx.path = ctx.path.replace(/^\/api/, ''); // as koa-mount does
            return next();
          });
          app.use(adapter.koa());
          app.use((ctx, next) => {
            paths.push(ctx.path);
            return next();
          });
          app.use(handler);
        },
      });
      expect((await service.send(await signedRequest(known, shortened))).status).toBe(200);
      expect(paths).toEqual(['/orders/7']);
      const inner = headerForm(await signedEnvelope(known, { path: '/orders/7?full=1' }), shortened);
      await service.refused(inner, '401 REQUEST_BINDING_MISMATCH');
    });

    test('is that also where the application is mounted in an Express one', async () => {
      const { known, service } = await serveKnown({
        Koa,
        wrap: (listener) => express().use('/api', listener),
      });
      expect((await service.send(await signedRequest(known, shortened))).status).toBe(200);
      expect(service.calls[0]!.url).toBe('/orders/7?full=1');
      const inner = headerForm(await signedEnvelope(known, { path: '/orders/7?full=1' }), shortened);
      await service.refused(inner, '401 REQUEST_BINDING_MISMATCH');
    });

    test('is what requestTarget says behind a proxy that rewrites paths; it is given the context', async () => {
      const known = await World.withCaller();
      const contexts: unknown[] = [];
      const service = await known.serveKoa({
        Koa,
        requestTarget(request) {
          contexts.push(Reflect.get(request.raw as object, 'originalUrl'));
          return `/shop${request.target}`;
        },
        wrap: (listener) => (req, res) => {
          req.url = req.url!.replace(/^\/shop/, '');
          listener(req, res);
        },
      });
      expect((await service.send(await signedRequest(known, { path: '/shop/orders' }))).status).toBe(200);
      expect((await service.send(await sealedRequest(known, { path: '/shop/orders' }))).status).toBe(200);
      expect(service.calls.map(({ url }) => url)).toEqual(['/orders', '/orders']);
      expect(contexts).toEqual(['/orders', '/orders']);
      await service.refused(await signedRequest(known), '401 REQUEST_BINDING_MISMATCH');
    });
  });

  test('an answer is sealed for a caller that asks for it', async () => {
    const { known, service } = await serveKnown({ Koa });
    const headers = { accept: 'application/xlink-envelope' };
    const answer = await service.send(await sealedRequest(known, { headers }));
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/xlink-envelope']);
    const opened = await known.caller.receive(JSON.parse(answer.text), {
      inReplyTo: service.calls[0]!.message!.envelopeId,
    });
    const body = Buffer.from('{"ok":true}').toString('base64url');
    expect(opened).toMatchObject({
      ok: true,
      value: { sender: known.api.did, payload: { status: 200, body } },
    });
  });

  test('a body that is no envelope is refused', async () => {
    const known = await World.withCaller();
    const service = await known.serveKoa({ Koa });
    await service.refused(withKey(bodyForm('item=tea')), '400 PARSE_FAILED:SYNTAX');
    expect(service.validated).toEqual([]);
  });
});

function throwThis(value: unknown): never {
  throw value;
}
