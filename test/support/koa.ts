import type { RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import { authOf, type DualModeAdapter, type DualModeOptions } from '@private.me/xlink';
import Koa3 from 'koa';
import { restOf } from './responses.js';
import { type Call, recorder, type Service, start } from './service.js';

// An API with Koa.

export type KoaClass = typeof Koa3;

/** For `describe.each`: the same tests over both. */
export const KOAS: { readonly name: string; readonly Koa: KoaClass }[] = [
  { name: 'Koa 3', Koa: Koa3 },
  { name: 'Koa 2', Koa: createRequire(import.meta.url)('koa2') },
];

export interface KoaMounted {
  readonly app: Koa3;
  readonly adapter: DualModeAdapter;
  readonly handler: Koa3.Middleware;
}

export interface KoaSetup extends Partial<DualModeOptions> {
  readonly agent: DualModeOptions['agent'];
  readonly Koa?: KoaClass;
  /** Puts the application together. Default: the adapter, then the handler for everything. */
  readonly mount?: (parts: KoaMounted) => void;
  /** What the server is given, if not the application itself. */
  readonly wrap?: (listener: RequestListener) => RequestListener;
}

const plainMount = ({ app, adapter, handler }: KoaMounted): void => {
  app.use(adapter.koa());
  app.use(handler);
};

export async function serveKoa({
  agent,
  Koa = Koa3,
  mount = plainMount,
  wrap = (listener) => listener,
  ...options
}: KoaSetup): Promise<Service> {
  const parts = recorder(agent, options);
  const app = new Koa();
  app.silent = true;
  mount({
    app,
    adapter: parts.adapter,
    async handler(ctx) {
      parts.calls.push(await callOf(ctx));
      ctx.body = { ok: true };
    },
  });
  return start(parts, wrap(app.callback()));
}

export async function callOf(ctx: Koa3.Context): Promise<Call> {
  const { method, originalUrl: url, headers, state } = ctx;
  const { body } = ctx.request as { body?: unknown };
  const stream = await restOf(ctx.req);
  const { auth, agentMessage: message } = state;
  return { method, url, headers, body, stream, auth, authOf: authOf(ctx), message };
}
