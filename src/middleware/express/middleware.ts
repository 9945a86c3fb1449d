import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import type { HttpResponse } from '../../http/decision.js';
import { authenticate } from '../authenticate.js';
import { wrongFramework } from '../framework-check.js';
import type { FrameworkContext } from '../node/framework-context.js';
import { answerRequest } from '../node/response.js';
import type { NodeRequest, NodeResponse, RequestExtras } from '../node/types.js';
import { watchRoute } from './route.js';

/** Middleware for Express 4 and 5, and anything else that speaks `(req, res, next)` on Node's HTTP objects. */
export type ExpressMiddleware = (
  req: NodeRequest,
  res: NodeResponse,
  next: (error?: unknown) => void,
) => void;

/** Lets requests through, or answers them, as the adapter decides. */
export function expressMiddleware(adapter: BaseDualModeAdapter): ExpressMiddleware {
  return function xlinkAuthentication(req, res, next) {
    if (typeof next !== 'function' || !req?.headers || typeof res?.setHeader !== 'function' || 'raw' in req)
      wrongFramework(req, res);
    authenticate(adapter, exchangeOf(req, res)).then(
      ({ action }) => action === 'pass' && next(),
      (error) => next(error),
    );
  };
}

function exchangeOf(req: NodeRequest, res: NodeResponse): FrameworkContext {
  const extras = req as RequestExtras;
  return {
    req,
    res,
    request: req,
    target: extras.originalUrl ?? req.url ?? '/',
    bodies: [extras],
    route: watchRoute(extras),
    answer: (answer) => answerExpress(req, res, answer),
    shownIn: req,
  };
}

/** Ends the response with an answer. */
export const answerExpress = (req: NodeRequest, res: NodeResponse, answer: HttpResponse): void =>
  answerRequest(req, res, answer, ({ status, body }) => {
    res.statusCode = status;
    res.end(req.method === 'HEAD' ? undefined : body);
  });
