import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import type { HttpResponse } from '../../http/decision.js';
import { authenticate } from '../authenticate.js';
import { wrongFramework } from '../framework-check.js';
import type { FrameworkContext } from '../node/framework-context.js';
import { answerRequest } from '../node/response.js';
import type { BodyHolder, KoaResponse, NodeRequest, RequestExtras } from '../node/types.js';
import { keepHeaders } from './keep-headers.js';

/** The parts of a Koa context that are used. */
export interface KoaContext {
  readonly req: NodeRequest;
  readonly res: KoaResponse;
  /** Koa's request, which is not Node's. */
  readonly request: object;
  readonly originalUrl: string;
  readonly state: object;
  status: number;
  body: unknown;
}

/** Middleware for Koa 2 and 3. */
export type KoaMiddleware = (ctx: KoaContext, next: () => Promise<unknown>) => Promise<void>;

/** Lets requests through, or answers them, as the adapter decides. */
export function koaMiddleware(adapter: BaseDualModeAdapter): KoaMiddleware {
  return async function xlinkAuthentication(ctx, next) {
    if (!ctx?.req || !ctx.res || !ctx.state) wrongFramework(ctx, next);
    const { action, headers } = await authenticate(adapter, exchangeOf(ctx));
    if (action === 'answer') return;
    keepHeaders(ctx.res, headers);
    await next();
  };
}

function exchangeOf(ctx: KoaContext): FrameworkContext {
  const { req, res, request, state } = ctx;
  const extras = req as RequestExtras;
  return {
    req,
    res,
    request: ctx,
    // A Koa application may itself be mounted in an Express one, which cut its prefix off before Koa looked.
    target: extras.originalUrl ?? ctx.originalUrl,
    bodies: [request as BodyHolder, extras],
    route: () => routeOf(ctx),
    answer: (answer) => answerKoa(ctx, answer),
    shownIn: state,
  };
}

/** What @koa/router says: a pattern such as `/orders/:id`, or a regular expression. */
function routeOf(ctx: KoaContext): string | undefined {
  const { _matchedRoute: route } = ctx as { _matchedRoute?: unknown };
  return route === undefined ? undefined : String(route);
}

/** Sets Koa's own status and body, so that middleware in front sees the answer as it sees any other. */
export const answerKoa = (ctx: KoaContext, answer: HttpResponse): void =>
  answerRequest(ctx.req, ctx.res, answer, ({ status, body }) => {
    ctx.status = status;
    ctx.body = body;
  });
