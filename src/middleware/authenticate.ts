import type { Decision, Pass } from '../adapters/http.js';
import { toXlinkError } from '../errors.js';
import type { Exchange } from './exchange.js';
import { replaceLeftBodies, replaceNodeBody } from './node-body.js';
import { inboundRequest } from './node-http.js';
import { setHeaders, whenClosed } from './node-response.js';
import { rememberPassage, unshared } from './passage.js';
import type { RefusingAdapter } from './refusing-adapter.js';
import { type HoldableResponse, holdResponse } from './sealed-response.js';

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
