import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import type { Decision, HttpResponse } from '../../http/decision.js';
import { type Awaitable, isPromiseLike } from '../../util/awaitable.js';
import { partOf } from '../adapter-of.js';
import { answerOwnRoute, authenticate } from '../authenticate.js';
import { assertExpress } from '../framework-check.js';
import type { FrameworkContext } from '../node/framework-context.js';
import { answerRequest, leaveRefusal } from '../node/response.js';
import type { NodeRequest, NodeResponse, RequestExtras } from '../node/types.js';
import { checkMiddlewareOptions, type MiddlewareOptions } from '../refusal-options.js';
import { watchRoute } from './route.js';

/** Middleware for Express 4 and 5, and anything else that speaks `(req, res, next)` on Node's HTTP objects. */
export type ExpressMiddleware = (
  req: NodeRequest,
  res: NodeResponse,
  next: (error?: unknown) => void,
) => void;

type Next = (error?: unknown) => void;

/** Options of `adapter.middleware()`. */
export type ExpressOptions<
  Req extends NodeRequest = NodeRequest,
  Res extends NodeResponse = NodeResponse,
> = MiddlewareOptions<[req: Req, res: Res, next: Next]>;

type OnRefusal = ExpressOptions['onRefusal'];

/** Lets requests through, or answers them, as the adapter decides. Throws `INVALID_OPTION`. */
export function expressMiddleware(
  adapter: BaseDualModeAdapter,
  options: ExpressOptions = {},
): ExpressMiddleware {
  checkMiddlewareOptions('DualModeAdapter.middleware', options);
  const onRefusal = options.onRefusal?.bind(options);
  return partOf(adapter, function xlinkAuthentication(req, res, next) {
    assertExpress('adapter', req, res, next);
    let decision: Awaitable<Decision>;
    try {
      decision = authenticate(adapter, exchangeOf(req, res, next, onRefusal, adapter.isObserved));
    } catch (error) {
      return next(error);
    }
    if (isPromiseLike(decision)) decision.then(goOn, next);
    else goOn(decision);

    function goOn({ action }: Decision): void {
      if (action === 'pass') next();
    }
  });
}

/** `isWatched`: somebody wants to know which route served it. */
function exchangeOf(
  req: NodeRequest,
  res: NodeResponse,
  next: Next,
  onRefusal: OnRefusal,
  isWatched: boolean,
): FrameworkContext {
  const extras = req as RequestExtras;
  return {
    req,
    res,
    request: req,
    target: extras.originalUrl ?? req.url ?? '/',
    isOnRoute: extras.route !== undefined,
    bodies: [extras],
    route: isWatched ? watchRoute(extras) : unwatched,
    onRefusal,
    answer: (answer) => answerOrLeave(req, res, next, answer, onRefusal),
    shownIn: extras,
  };
}

const unwatched = () => undefined;

/** The refusal goes to the API, if that is what it wants and may have. */
export function answerOrLeave(
  req: NodeRequest,
  res: NodeResponse,
  next: Next,
  answer: HttpResponse,
  onRefusal: OnRefusal,
): void {
  const { refusal } = answer;
  if (!refusal || !onRefusal || res.headersSent) {
    answerExpress(req, res, answer);
    return;
  }
  /** Only as an error: nothing, or a name such as `route`, would let the request through. */
  const fail: Next = (error) => next(typeof error === 'object' && error !== null ? error : refusal.error);
  leaveRefusal(req, res, refusal);
  res.statusCode = refusal.status;
  try {
    Promise.resolve(onRefusal(refusal, req, res, fail)).catch(fail);
  } catch (error) {
    fail(error);
  }
}

/** Ends the response with an answer. */
export const answerExpress = (req: NodeRequest, res: NodeResponse, answer: HttpResponse): void =>
  answerRequest(req, res, answer, ({ status, body }) => {
    res.statusCode = status;
    res.end(req.method === 'HEAD' ? undefined : body);
  });

/** Answers the routes of the library itself, and lets everything else go on as it is. */
export function expressWellKnown(adapter: BaseDualModeAdapter): ExpressMiddleware {
  adapter.servesRoot();
  return function xlinkWellKnown(req, res, next) {
    assertExpress('own routes', req, res, next);
    answerOwnRoute(adapter, exchangeOf(req, res, next, undefined, adapter.isObserved)).then(
      (isAnswered) => isAnswered || next(),
      (error) => next(error),
    );
  };
}
