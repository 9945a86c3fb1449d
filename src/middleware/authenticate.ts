import { toXlinkError } from '../errors/errors.js';
import type { Decision, Pass } from '../http/decision.js';
import { replaceLeftBodies, replaceNodeBody } from './node/body.js';
import { type HoldableResponse, holdResponse } from './node/buffered-response.js';
import type { Exchange } from './node/exchange.js';
import { inboundRequest } from './node/request.js';
import { setHeaders, whenClosed } from './node/response.js';
import type { RefusingAdapter } from './refusal-style.js';
import { rememberPassage, unshared } from './request-context.js';

/**
 * Asks the adapter about a request and carries out what it decides; the decision is counted once, when the response is
 * over. `action: 'answer'` means that the request was answered and must not go on.
 */
export async function authenticate(adapter: RefusingAdapter, exchange: Exchange): Promise<Decision> {
  const { res } = exchange;
  try {
    const decision = await adapter.decide(inboundRequest(exchange));
    try {
      if (decision.action === 'answer') exchange.answer(decision);
      else admit(adapter, exchange, decision);
    } finally {
      whenClosed(res, (aborted) => adapter.settled(decision, exchange.route(), res.statusCode, aborted));
    }
    return decision;
  } catch (error) {
    throw toXlinkError(error);
  }
}

function admit(adapter: RefusingAdapter, exchange: Exchange, pass: Pass): void {
  const { req, res, request, bodies, shownIn } = exchange;
  const { content, message, sealAnswer, sealFailure } = pass;
  setHeaders(res, pass.headers);
  rememberPassage(adapter, [req, request], pass);
  if (pass.auth) Object.assign(shownIn, { auth: unshared(pass.auth) });
  if (message) Object.assign(shownIn, { agentMessage: message });
  if (content) {
    replaceNodeBody(req, content);
    replaceLeftBodies(bodies, content, message?.payload);
  }
  if (sealAnswer && sealFailure && req.method !== 'HEAD') {
    delete req.headers['accept-encoding']; // what is sealed must be plain
    holdResponse(res as unknown as HoldableResponse, sealAnswer, sealFailure);
  }
}
