import { ownAuth } from '../adapters/auth-store.js';
import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import { toXlinkError, type XlinkError } from '../errors/errors.js';
import type { Decision, Pass } from '../http/decision.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import { SESSION_TYPE } from '../http/session-headers.js';
import { type Awaitable, atLast, later, orElse } from '../util/awaitable.js';
import { comesWithHead, heldForATurn, replaceLeftBodies, replaceNodeBody } from './node/body.js';
import { tapOf } from './node/body-tap.js';
import { replaceFields } from './node/fields.js';
import type { FrameworkContext } from './node/framework-context.js';
import { inboundRequest } from './node/request.js';
import { setHeaders, whenClosed } from './node/response.js';
import { dropTrailers } from './node/trailers.js';
import type { NodeRequest } from './node/types.js';
import { refusedBy, rememberRequestContext } from './request-context.js';
import { sealAnswerOf } from './sealing/seal-answer.js';

/**
 * Asks the adapter about a request and carries out what it decides; the decision is counted once, when the response is
 * over, and as a refusal if a guard behind the adapter refused. `action: 'answer'` means that the request was answered and must not go on.
 * At once where the adapter decides at once.
 */
export function authenticate(adapter: BaseDualModeAdapter, context: FrameworkContext): Awaitable<Decision> {
  const { req } = context;
  return isSealed(req) && comesWithHead(req)
    ? heldForATurn(req).then((release) => decided(adapter, context, release))
    : decided(adapter, context);
}

/** Its body is needed before anything can be decided. */
const isSealed = ({ headers }: NodeRequest): boolean =>
  headers['content-type'] === SESSION_TYPE || headers['content-type'] === ENVELOPE_TYPE;

/** `release`: lets others have the body, once what is to be read of it was read. */
function decided(
  adapter: BaseDualModeAdapter,
  context: FrameworkContext,
  release = () => {},
): Awaitable<Decision> {
  const judge = () => adapter.judge(inboundRequest(context));
  return orElse(
    () => later(atLast(judge, release), (decision) => carryOut(adapter, context, decision)),
    (error) => failed(context, error),
  );
}

function failed({ req }: FrameworkContext, error: unknown): never {
  tapOf(req)?.restore();
  return rethrow(error);
}

function rethrow(error: unknown): never {
  throw toXlinkError(error);
}

/** Answers the routes of the library itself. False: it is not for one of them, and goes on. */
export async function answerOwnRoute(
  adapter: BaseDualModeAdapter,
  context: FrameworkContext,
): Promise<boolean> {
  try {
    const decision = await adapter.decideOwnRoute(inboundRequest(context));
    if (decision) carryOut(adapter, context, decision);
    return decision?.action === 'answer';
  } catch (error) {
    throw toXlinkError(error);
  }
}

function carryOut(adapter: BaseDualModeAdapter, context: FrameworkContext, decision: Decision): Decision {
  const { req, res } = context;
  let refused: XlinkError | undefined; // by a guard behind the adapter
  let inner: number | undefined; // the status that is sealed
  const over = (aborted: boolean) => {
    const route = adapter.isObserved ? context.route() : undefined;
    adapter.recordOutcome(refusedBy(decision, refused), route, inner ?? res.statusCode, aborted);
  };
  const isGone = res.closed;
  if (!isGone) whenClosed(req, res, over); // before it is answered: that may close it at once
  try {
    sealed(context, decision, (status) => {
      inner = status;
    });
    if (decision.action === 'answer') context.answer(decision);
    else
      admit(adapter, context, decision, (error) => {
        refused ??= error;
      });
  } finally {
    if (isGone) whenClosed(req, res, over); // a client may be gone before it is known who it was
  }
  return decision;
}

function admit(
  adapter: BaseDualModeAdapter,
  context: FrameworkContext,
  pass: Pass,
  onRefused: (error: XlinkError) => void,
): void {
  const { req, res, request, bodies, shownIn, parsersSkip } = context;
  const { content, stream, message } = pass;
  setHeaders(res, pass.headers);
  rememberRequestContext(adapter, [req, request], pass, { onRefused, onRefusal: context.onRefusal });
  if (pass.auth) shownIn.auth = ownAuth(pass.auth); // guards have a copy of their own by now
  if (message) shownIn.agentMessage = message;
  replaceFields(req, pass);
  if (pass.fields) dropTrailers(req);
  if (content) {
    replaceNodeBody(req, content);
    replaceLeftBodies(bodies, content.bytes, message?.payload, parsersSkip);
  }
  if (stream) tapOf(req)?.replace(stream.pieces);
}

/** From now on what is answered is sealed, for a caller that asks for that. */
function sealed(
  { req, res }: FrameworkContext,
  { sealing, sealFailure }: Decision,
  onHead: (status: number) => void,
): void {
  if (!sealing || !sealFailure || req.method === 'HEAD') return;
  const failure = (error: unknown) => {
    const { status, headers, body } = sealFailure(error);
    return { head: { status, headers: Object.entries(headers) }, body };
  };
  sealAnswerOf(req, res, sealing, failure, onHead);
}
