import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import { toXlinkError, type XlinkError } from '../errors/errors.js';
import type { Decision, Pass } from '../http/decision.js';
import { replaceLeftBodies, replaceNodeBody } from './node/body.js';
import { type HoldableResponse, holdResponse } from './node/buffered-response.js';
import { replaceFields } from './node/fields.js';
import type { FrameworkContext } from './node/framework-context.js';
import { inboundRequest } from './node/request.js';
import { setHeaders, whenClosed } from './node/response.js';
import { rememberRequestContext, unshared } from './request-context.js';

/**
 * Asks the adapter about a request and carries out what it decides; the decision is counted once, when the response is
 * over, and as a refusal if a guard behind the adapter refused. `action: 'answer'` means that the request was answered and must not go on.
 */
export async function authenticate(
  adapter: BaseDualModeAdapter,
  context: FrameworkContext,
): Promise<Decision> {
  const { res } = context;
  try {
    const decision = await adapter.decide(inboundRequest(context));
    let refused: XlinkError | undefined; // by a guard behind the adapter
    try {
      if (decision.action === 'answer') context.answer(decision);
      else
        admit(adapter, context, decision, (error) => {
          refused ??= error;
        });
    } finally {
      whenClosed(res, (aborted) =>
        adapter.recordOutcome(refusedBy(decision, refused), context.route(), res.statusCode, aborted),
      );
    }
    return decision;
  } catch (error) {
    throw toXlinkError(error);
  }
}

const refusedBy = (decision: Decision, error: XlinkError | undefined): Decision =>
  error && decision.outcome ? { ...decision, outcome: { ...decision.outcome, error } } : decision;

function admit(
  adapter: BaseDualModeAdapter,
  context: FrameworkContext,
  pass: Pass,
  onRefused: (error: XlinkError) => void,
): void {
  const { req, res, request, bodies, shownIn } = context;
  const { content, fields, message, sealResponse, sealFailure } = pass;
  setHeaders(res, pass.headers);
  rememberRequestContext(adapter, [req, request], pass, onRefused);
  if (pass.auth) Object.assign(shownIn, { auth: unshared(pass.auth) });
  if (message) Object.assign(shownIn, { agentMessage: message });
  if (fields) replaceFields(req, fields);
  if (content) {
    replaceNodeBody(req, content);
    replaceLeftBodies(bodies, content.bytes, message?.payload);
  }
  if (sealResponse && sealFailure && req.method !== 'HEAD') {
    delete req.headers['accept-encoding']; // what is sealed must be plain
    holdResponse(res as unknown as HoldableResponse, sealResponse, sealFailure);
  }
}
