import { rememberAuth } from '../adapters/auth-store.js';
import type { DualMode } from '../adapters/dual-mode.js';
import type { Decision, Pass, Refusal } from '../adapters/http.js';
import { toXlinkError } from '../errors.js';
import type { AgentMessage } from '../types.js';
import { watchRoute } from './express-route.js';
import { discardNodeBody, replaceNodeBody } from './node-body.js';
import { inboundRequest } from './node-http.js';
import type { NodeRequest, NodeResponse, RequestExtras } from './node-types.js';

/** Middleware for Express 4 and 5, and anything else that speaks `(req, res, next)` on Node's HTTP objects. */
export type ExpressMiddleware = (
  req: NodeRequest,
  res: NodeResponse,
  next: (error?: unknown) => void,
) => void;

/** How much of a refused upload is read and thrown away before the connection is cut: 8 MiB. */
const MAX_DISCARDED_BYTES = 8 * 1024 * 1024;

/** Asks the adapter about each request and carries out what it decides. */
export function expressMiddleware(adapter: DualMode): ExpressMiddleware {
  return function xlinkAuthentication(req, res, next) {
    const routeTemplate = watchRoute(req as RequestExtras);
    adapter
      .decide(inboundRequest(req))
      .then((decision) => {
        const admitted =
          decision.action === 'refuse' ? refuse(req, res, decision) : admit(req, res, decision);
        whenClosed(res, () => adapter.settled(decision, routeTemplate(), res.statusCode));
        return admitted;
      })
      .then(
        (admitted) => admitted && next(),
        (error) => next(toXlinkError(error)),
      );
  };
}

function admit(req: NodeRequest, res: NodeResponse, decision: Pass): true {
  if (!res.headersSent) setHeaders(res, decision);
  const extras = req as RequestExtras & { agentMessage?: AgentMessage };
  if (decision.auth) {
    rememberAuth(req, decision.auth);
    extras.auth = { ...decision.auth };
  }
  if (decision.message) extras.agentMessage = decision.message;
  if (decision.content) {
    replaceNodeBody(req, decision.content);
    extras.body = decision.message?.payload;
    if (extras.rawBody !== undefined) extras.rawBody = decision.content;
  }
  return true;
}

function refuse(req: NodeRequest, res: NodeResponse, decision: Refusal): false {
  if (res.headersSent) return false; // somebody has answered meanwhile, such as a timeout
  setHeaders(res, decision);
  res.statusCode = decision.status;
  res.end(req.method === 'HEAD' ? undefined : decision.body);
  discardNodeBody(req, MAX_DISCARDED_BYTES);
  return false;
}

/** At once if it is closed already: a client may be gone before it is known who it was. */
function whenClosed(res: NodeResponse, then: () => void): void {
  if (res.closed) then();
  else res.once('close', then);
}

/** Lists such as Link are added to; everything else is set. */
function setHeaders(res: NodeResponse, { headers }: Decision): void {
  for (const [name, value] of Object.entries(headers)) {
    const present = LISTS.has(name) ? res.getHeader(name) : undefined;
    res.setHeader(name, present === undefined ? value : `${String(present)}, ${value}`);
  }
}

const LISTS = new Set(['Link', 'Access-Control-Expose-Headers', 'WWW-Authenticate']);
