import { bodyParser } from '@koa/bodyparser';
import Router from '@koa/router';
import { Agent, authOf, DualModeAdapter, requireScope } from '@private.me/xlink';
import { requireScope as fastifyScope, fastifyXlink } from '@private.me/xlink/fastify';
import { honoMiddleware, requireScope as honoScope } from '@private.me/xlink/hono';
import { requireScope as koaScope } from '@private.me/xlink/koa';
import { type FrozenClock, frozenClock, memoryStores } from '@private.me/xlink/testing';
import express from 'express';
import express4 from 'express4';
import Fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';

/** An API that tells a caller who it is, as an application has it, and what its adapter is. */
export interface ApiUnderTest {
  readonly app: object;
  readonly adapter: DualModeAdapter;
  readonly clock: FrozenClock;
}

type Make = (adapter: DualModeAdapter) => object | Promise<object>;

export async function apiWith(
  make: Make,
  options: Partial<ConstructorParameters<typeof DualModeAdapter>[0]> = {},
): Promise<ApiUnderTest> {
  const clock = frozenClock();
  const { registry, nonceStore, clients } = memoryStores({ clock });
  const agent = await Agent.quickstart({ name: 'orders', registry, nonceStore, clock });
  const legacyKeyValidator = () => null;
  const adapter = new DualModeAdapter({
    agent,
    mode: 'xlink-only',
    legacyKeyValidator,
    clients,
    clock,
    signatures: true,
    ...options,
  });
  return { app: await make(adapter), adapter, clock };
}

const seen = (auth: ReturnType<typeof authOf>, body: unknown, query: unknown) =>
  auth?.mode === 'xlink'
    ? { client: auth.client, form: auth.form, encrypted: auth.encrypted, body, query }
    : { auth };

type Express = typeof express;

const withExpress =
  (express: Express): Make =>
  (adapter) => {
    const app = express();
    app.use(adapter.middleware());
    app.use(express.json(), express.text());
    app.all('/orders', requireScope('orders'), (req, res) => {
      res.json(seen(authOf(req), req.body, req.query));
    });
    return app;
  };

const withKoa: Make = (adapter) => {
  const app = new Koa();
  app.use(adapter.koa()).use(bodyParser({ enableTypes: ['json', 'text'] }));
  const router = new Router();
  router.all('/orders', koaScope('orders') as never, (ctx) => {
    ctx.body = seen(authOf(ctx), ctx.request.body, ctx.query);
  });
  return app.use(router.routes());
};

const withFastify: Make = async (adapter) => {
  const app = Fastify();
  void app.register(fastifyXlink(adapter)); // not awaited: it is there when the app is ready
  app.all('/orders', { preHandler: fastifyScope('orders') }, async (request) =>
    seen(authOf(request), request.body, request.query),
  );
  return app;
};

const withHono: Make = (adapter) => {
  const app = new Hono();
  app.use(honoMiddleware(adapter));
  app.all('/orders', honoScope('orders'), async (c) => {
    const text = await c.req.text();
    const isJson = c.req.header('content-type')?.includes('json');
    return c.json(seen(authOf(c), isJson ? JSON.parse(text) : text, c.req.query()));
  });
  return app;
};

export const APPS = {
  'Express 5': withExpress(express),
  'Express 4': withExpress(express4 as unknown as Express),
  Koa: withKoa,
  Fastify: withFastify,
  Hono: withHono,
} as const;
