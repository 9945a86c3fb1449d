import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import type { HttpResponse } from '../../http/decision.js';
import { partOf } from '../adapter-of.js';
import { answerOwnRoute, authenticate } from '../authenticate.js';
import { assertKoa } from '../framework-check.js';
import type { FrameworkContext } from '../node/framework-context.js';
import { answerRequest, leaveRefusal } from '../node/response.js';
import type { BodyHolder, KoaResponse, NodeRequest, RequestExtras } from '../node/types.js';
import { checkMiddlewareOptions, type MiddlewareOptions } from '../refusal-options.js';
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

/** Options of `adapter.koa()`. */
export type KoaOptions<Context extends KoaContext = KoaContext> = MiddlewareOptions<[ctx: Context]>;

type OnRefusal = KoaOptions['onRefusal'];

/** Lets requests through, or answers them, as the adapter decides. Throws `INVALID_OPTION`. */
export function koaMiddleware<Context extends KoaContext = KoaContext>(
  adapter: BaseDualModeAdapter,
  options: KoaOptions<Context> = {},
): KoaMiddleware {
  checkMiddlewareOptions('koaMiddleware', options);
  const onRefusal = options.onRefusal?.bind(options) as OnRefusal;
  return partOf(adapter, async function xlinkAuthentication(ctx, next) {
    assertKoa('adapter', ctx, next);
    const decision = await authenticate(adapter, exchangeOf(ctx, onRefusal));
    if (decision.action === 'answer') return leaveToApi(ctx, decision, onRefusal);
    keepHeaders(ctx.res, decision.headers);
    await next();
  });
}

function exchangeOf(ctx: KoaContext, onRefusal: OnRefusal): FrameworkContext {
  const { req, res, request, state } = ctx;
  const extras = req as RequestExtras;
  return {
    req,
    res,
    request: ctx,
    // A Koa application may itself be mounted in an Express one, which cut its prefix off before Koa looked.
    target: extras.originalUrl ?? ctx.originalUrl,
    bodies: [request as BodyHolder, extras],
    parsersSkip: true, // koa-bodyparser, @koa/bodyparser
    route: () => routeOf(ctx),
    onRefusal,
    answer: (answer) => {
      if (!isLeftToApi(ctx, answer, onRefusal)) answerKoa(ctx, answer);
    },
    shownIn: state,
  };
}

/** What @koa/router says: a pattern such as `/orders/:id`, or a regular expression. */
function routeOf(ctx: KoaContext): string | undefined {
  const { _matchedRoute: route } = ctx as { _matchedRoute?: unknown };
  return route === undefined ? undefined : String(route);
}

const isLeftToApi = (ctx: KoaContext, { refusal }: HttpResponse, onRefusal: OnRefusal): boolean =>
  refusal !== undefined && onRefusal !== undefined && !ctx.res.headersSent;

/** Rejects with what the API throws, so that its own middleware in front answers. Does nothing for what is answered already. */
async function leaveToApi(ctx: KoaContext, answer: HttpResponse, onRefusal: OnRefusal): Promise<void> {
  if (!isLeftToApi(ctx, answer, onRefusal)) return;
  const refusal = answer.refusal!;
  leaveRefusal(ctx.req, ctx.res, refusal);
  ctx.status = refusal.status;
  keepHeaders(ctx.res, refusal.headers);
  await onRefusal!(refusal, ctx);
}

/** Answers what a guard refuses. */
export async function refuseKoa(ctx: KoaContext, answer: HttpResponse, onRefusal: OnRefusal): Promise<void> {
  if (isLeftToApi(ctx, answer, onRefusal)) await leaveToApi(ctx, answer, onRefusal);
  else answerKoa(ctx, answer);
}

/** Sets Koa's own status and body, so that middleware in front sees the answer as it sees any other. */
export const answerKoa = (ctx: KoaContext, answer: HttpResponse): void =>
  answerRequest(ctx.req, ctx.res, answer, ({ status, body }) => {
    ctx.status = status;
    ctx.body = body;
  });

/** Answers the routes of the library itself, and lets everything else go on as it is. */
export function koaWellKnown(adapter: BaseDualModeAdapter): KoaMiddleware {
  adapter.servesRoot();
  return async function xlinkWellKnown(ctx, next) {
    assertKoa('own routes', ctx, next);
    if (!(await answerOwnRoute(adapter, exchangeOf(ctx, undefined)))) await next();
  };
}
