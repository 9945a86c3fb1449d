import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { type Agent, type DualModeOptions, requireScope } from '@private.me/xlink';
import { requireScope as requireScopeKoa } from '@private.me/xlink/koa';
import express5 from 'express';
import express4 from 'express4';
import Koa3 from 'koa';
import { ACME, BOLT, recorder, type Service, start } from '../support/http.js';
import { World } from '../support/world.js';

const require = createRequire(import.meta.url);
type Recorder = ReturnType<typeof recorder>;
type Handle = (req: IncomingMessage, res: ServerResponse) => Promise<void> | void;

const CLIENTS: Record<string, object> = {
  [ACME]: { clientId: 'acme', scopes: ['orders:read'] },
  [BOLT]: { clientId: 'bolt', scopes: [] },
};

/** The same three routes in each framework: guarded by a scope, failing, and all else. */
export const FRAMEWORKS: [string, (parts: Recorder, handle: Handle) => RequestListener][] = [
  ['Express 5', onExpress(express5)],
  ['Express 4', onExpress(express4 as unknown as typeof express5)],
  ['Koa 3', onKoa(Koa3)],
  ['Koa 2', onKoa(require('koa2'))],
];

function onExpress(express: typeof express5) {
  return ({ adapter }: Recorder, handle: Handle): RequestListener => {
    const app = express();
    app.use(adapter.middleware());
    app.get('/guarded', requireScope('orders:write'), handle as never);
    app.get('/throws', () => {
      throw new Error('handler');
    });
    app.use(handle as never);
    app.use(((_error, _req, res, _next) => void res.status(500).end()) as express5.ErrorRequestHandler);
    return app;
  };
}

function onKoa(Koa: typeof Koa3) {
  return ({ adapter }: Recorder, handle: Handle): RequestListener => {
    const app = new Koa();
    app.silent = true;
    app.use(adapter.koa());
    const guard = requireScopeKoa('orders:write');
    app.use(async (ctx, next) => (ctx.path === '/guarded' ? guard(ctx as never, next) : next()));
    app.use(async (ctx) => {
      if (ctx.path === '/throws') throw new Error('handler');
      // Written by Koa, so that sealed answers and HEAD go the way they always go.
      if (ctx.path !== '/slow') ctx.body = { ok: true };
      else await handle(ctx.req, ctx.res);
    });
    return app.callback();
  };
}

export interface Stage {
  readonly world: World;
  readonly api: Agent;
  readonly caller: Agent;
  readonly device: Agent;
  readonly service: Service;
  /** Requests that wait in `/slow`. */
  readonly slow: ServerResponse[];
}

export async function stage(
  framework: (typeof FRAMEWORKS)[number][1],
  options: Partial<DualModeOptions> = {},
): Promise<Stage> {
  const world = new World();
  const [api, caller] = [await world.agent('api'), await world.agent('caller')];
  const device = await world.stranger('device');
  const slow: ServerResponse[] = [];
  const parts = recorder(api, {
    clock: world.clock,
    clients: world.clients,
    legacyKeyValidator: (key) => CLIENTS[key] ?? null,
    skip: ({ target }) => target === '/health',
    ...options,
  });
  const handle: Handle = async (req, res) => {
    if (!req.url?.startsWith('/slow')) {
      res.setHeader('content-type', 'application/json');
      return void res.end('{"ok":true}');
    }
    slow.push(res);
    parts.signals.emit('slow');
    await once(res, 'close');
  };
  return { world, api, caller, device, slow, service: await start(parts, framework(parts, handle)) };
}
