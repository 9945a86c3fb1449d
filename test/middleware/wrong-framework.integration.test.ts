import { describe, expect, test } from '@jest/globals';
import { DualModeAdapter, requireXlink } from '@private.me/xlink';
import {
  fastifyWellKnown,
  fastifyXlink,
  requireXlink as requireXlinkFastify,
} from '@private.me/xlink/fastify';
import { honoMiddleware, honoWellKnown, requireXlink as requireXlinkHono } from '@private.me/xlink/hono';
import { requireXlink as requireXlinkKoa } from '@private.me/xlink/koa';
import express, { type ErrorRequestHandler } from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { afterTest } from '../support/after-test.js';
import { listen } from '../support/listen.js';
import { World } from '../support/world.js';

/** What each framework is given, by the framework that it is made for. */
const partsOf = (adapter: DualModeAdapter) => ({
  adapter: {
    express: adapter.middleware(),
    koa: adapter.koa(),
    fastify: fastifyXlink(adapter),
    hono: honoMiddleware(adapter),
  },
  guard: {
    express: requireXlink(),
    koa: requireXlinkKoa(),
    fastify: requireXlinkFastify(),
    hono: requireXlinkHono(),
  },
  'own routes': {
    express: adapter.wellKnown(),
    koa: adapter.koaWellKnown(),
    fastify: fastifyWellKnown(adapter),
    hono: honoWellKnown(adapter),
  },
});

type FrameworkName = 'express' | 'koa' | 'fastify' | 'hono';

/** What the application is told that puts something there, at the first request at the latest. */
const TELL: Record<FrameworkName, (middleware: never) => Promise<string>> = {
  async express(middleware) {
    const onError: ErrorRequestHandler = (error, _req, res, _next) =>
      void res.status(500).send(error.message);
    const { url } = await listen(express().use(middleware, onError));
    return (await fetch(url)).text();
  },
  async koa(middleware) {
    const app = Object.assign(new Koa(), { silent: true });
    let told = '';
    app.on('error', ({ message }: Error) => {
      told = message;
    });
    const { url } = await listen(app.use(middleware).callback());
    await fetch(url);
    return told;
  },
  async fastify(middleware) {
    const app = Fastify();
    afterTest(() => app.close());
    app.addHook('onRequest', middleware).get('/', () => 1);
    const refused = await fetch(await app.listen({ port: 0, host: '127.0.0.1' }));
    return ((await refused.json()) as { message: string }).message;
  },
  async hono(middleware) {
    const app = new Hono();
    app.onError((error, c) => c.text(error.message, 500));
    app.use(middleware);
    return (await app.request('/')).text();
  },
};

const HERE = {
  adapter: {
    express: 'app.use(adapter.middleware())',
    koa: 'app.use(adapter.koa())',
    fastify: "app.register(fastifyXlink(adapter)) of '@private.me/xlink/fastify'",
    hono: "app.use(honoMiddleware(adapter)) of '@private.me/xlink/hono'",
  },
  guard: {
    express: "a guard of '@private.me/xlink'",
    koa: "a guard of '@private.me/xlink/koa'",
    fastify: "a guard of '@private.me/xlink/fastify' as preHandler",
    hono: "a guard of '@private.me/xlink/hono'",
  },
  'own routes': {
    express: 'app.use(adapter.wellKnown())',
    koa: 'app.use(adapter.koaWellKnown())',
    fastify: "app.register(fastifyWellKnown(adapter)) of '@private.me/xlink/fastify'",
    hono: "app.use(honoWellKnown(adapter)) of '@private.me/xlink/hono'",
  },
};

const NAMES = Object.keys(TELL) as FrameworkName[];
const pairs = NAMES.flatMap((made) => NAMES.filter((put) => put !== made).map((put) => ({ made, put })));

describe.each(Object.keys(HERE) as (keyof typeof HERE)[])('[C8] the %s', (part) => {
  test.each(pairs)('for $made in $put throws, and says what is meant', async ({ made, put }) => {
    const agent = await new World().agent('api');
    const adapter = new DualModeAdapter({ agent, legacyKeyValidator: () => null });
    const middleware = partsOf(adapter)[part][made];
    expect(await TELL[put](middleware as never)).toBe(
      `This middleware is for another framework. Here it is ${HERE[part][put]}.`,
    );
  });
});
