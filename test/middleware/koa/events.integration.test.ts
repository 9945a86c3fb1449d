import { describe, expect, test } from '@jest/globals';
import Router from '@koa/router';
import express from 'express';
import {
  headerForm,
  type Sent,
  sealedRequest,
  signedEnvelope,
  signedRequest,
  withKey,
} from '../../support/http.js';
import { KOAS } from '../../support/koa.js';
import { World } from '../../support/world.js';
import { counted, serveKnown } from './support.js';

function throwThis(value: unknown): never {
  throw value;
}
describe.each(KOAS)('$name', ({ Koa }) => {
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
});
