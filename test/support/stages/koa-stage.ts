import type { RequestListener } from 'node:http';
import { requireScope, requireThat, requireXlink } from '@private.me/xlink/koa';
import type Koa from 'koa';
import { callOf, type KoaClass } from '../koa.js';
import type { Recorder } from '../service.js';
import { eventStream, waitingIn } from './express-stage.js';
import { guardOf, isGuarded, type Plan, prefixOf, type Waiting } from './plan.js';

/** The API of a plan with Koa. */
export function koaApi(Koa: KoaClass, parts: Recorder, plan: Plan, slow: Waiting[]): RequestListener {
  const app = new Koa();
  app.silent = true;
  if (plan.onError) app.use(onError(plan.onError));
  app.use((ctx, next) => {
    for (const [name, value] of Object.entries(plan.headers ?? {})) ctx.set(name, value as string);
    return next();
  });
  if (plan.wellKnown) app.use(parts.adapter.koaWellKnown());
  if (plan.at !== 'nowhere') app.use(mounted(prefixOf(plan), adapterOf(parts, plan)));
  const { second } = plan;
  if (second) {
    const middleware = second.adapter.koa();
    app.use((ctx, next) => (ctx.path === second.path ? middleware(ctx, next) : next()));
  }
  app.use((ctx, next) => {
    plan.meddle?.(ctx.state, ctx.req);
    return next();
  });
  if (plan.guard) {
    const { name } = plan.guard;
    const guard = guardOf({ requireScope, requireThat, requireXlink }, name);
    app.use((ctx, next) => (isGuarded(plan, ctx.path) ? guard(ctx, next) : next()));
  }
  app.use(async (ctx) => {
    if (ctx.path === '/throws') throw new Error('handler');
    if (ctx.path === '/events' || ctx.path === '/slow') {
      ctx.respond = false;
      const answer = ctx.path === '/events' ? eventStream : waitingIn(slow, parts);
      return answer(ctx.req, ctx.res as never);
    }
    if (plan.forward) {
      ctx.respond = false;
      return plan.forward(ctx.req, ctx.res);
    }
    if (ctx.path === '/none') return void (ctx.status = 204);
    if (ctx.path === '/unread') return void (ctx.body = { ok: true });
    if (ctx.path !== '/open' && !ctx.path.startsWith(`${prefixOf(plan) ?? ''}/`)) return;
    parts.calls.push(await callOf(ctx));
    ctx.body = { ok: true };
  });
  return app.callback();
}

const onError =
  (own: NonNullable<Plan['onError']>): Koa.Middleware =>
  async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      Object.assign(ctx, own(error as Error));
    }
  };

const adapterOf = ({ adapter }: Recorder, { onRefusal }: Plan): Koa.Middleware =>
  adapter.koa(
    onRefusal
      ? {
          async onRefusal(refusal, ctx) {
            const own = onRefusal(refusal);
            if (own instanceof Error) throw own;
            Object.assign(ctx, own);
          },
        }
      : {},
  );

/** What koa-mount does: the path is another one for what is mounted, and back again behind it. */
function mounted(prefix: string | undefined, middleware: Koa.Middleware): Koa.Middleware {
  if (prefix === undefined) return middleware;
  return async (ctx, next) => {
    const { path } = ctx;
    if (!path.startsWith(`${prefix}/`)) return next();
    const within = path.slice(prefix.length);
    ctx.path = within;
    await middleware(ctx, async () => {
      ctx.path = path;
      await next();
      ctx.path = within;
    });
    ctx.path = path;
  };
}
