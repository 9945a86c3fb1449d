import { copyOf } from '../../adapters/customer.js';
import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import { toXlinkError, type XlinkError } from '../../errors/errors.js';
import type { Decision, Headers, HttpResponse, Pass, Refusal } from '../../http/decision.js';
import { dropTrailers } from '../node/trailers.js';
import type { OnRefusal } from '../refusal-options.js';
import { refusedBy, rememberRequestContext } from '../request-context.js';
import { type Asked, FetchRequest } from './request.js';
import { responseOf, sealedResponse, withHeaders } from './response.js';
import { fetchWatch, nodeWatch, type Over } from './when-over.js';

/** A request in a framework that works with requests and responses of the Fetch standard. */
export interface Exchange extends Asked {
  /** Template of the route that served the request; asked for when the response is over. */
  route(): string | undefined;
  /** Sets headers on whatever is answered, by error handling of the application, too. */
  prepare(headers: Headers): void;
}

/** The same, with its way to a handler. */
export interface FetchContext extends Exchange {
  /** Answers refusals in the API's own way, those of guards included. */
  readonly onRefusal?: ((refusal: Refusal) => unknown) | undefined;
  /** As guards call it, with what handlers of the framework are called with. */
  readonly onGuardRefusal?: OnRefusal | undefined;
  /** Shows handlers who it is, and hands the request to them. */
  serve(
    request: Request,
    shown: { readonly auth?: unknown; readonly agentMessage?: unknown },
  ): Promise<Response>;
}

/** Asks the adapter about a request and carries out what it decides. Rejects with an `XlinkError`, or with what handlers throw. */
export async function authenticateFetch(
  adapter: BaseDualModeAdapter,
  context: FetchContext,
): Promise<Response> {
  const asked = new FetchRequest(context);
  const decision = await adapter.decide(asked.inbound).catch(rethrow);
  if (decision.action === 'answer') asked.dropped();
  let refused: XlinkError | undefined; // by a guard behind the adapter
  const answer = () =>
    decision.action === 'answer'
      ? refusalOf(context, decision, context.onRefusal)
      : served(adapter, context, asked, decision, (error) => {
          refused ??= error;
        });
  const isStreamed = decision.action === 'pass' && decision.stream !== undefined;
  return carryOut(adapter, context, decision, answer, () => {
    if (isStreamed) asked.dropped(); // what its handler has not read: its connection goes on behind it
    return refused;
  });
}

/** Answers the routes of the library itself. `undefined`: it is not for one of them, and goes on. */
export async function answerOwnRoute(
  adapter: BaseDualModeAdapter,
  exchange: Exchange,
): Promise<Response | undefined> {
  const asked = new FetchRequest(exchange);
  const decision = await adapter.decideOwnRoute(asked.inbound).catch(rethrow);
  if (decision?.action !== 'answer') return undefined;
  asked.dropped();
  return carryOut(adapter, exchange, decision, () => refusalOf(exchange, decision, undefined));
}

function rethrow(thrown: unknown): never {
  throw toXlinkError(thrown);
}

/** Answers, sealed for a caller that asks for it; the decision is counted once, with the status of what is sealed, when the response is over. `onOver`: what a guard refused by then. */
async function carryOut(
  adapter: BaseDualModeAdapter,
  { request, native, route }: Exchange,
  decision: Decision,
  answer: () => Promise<Response>,
  onOver: () => XlinkError | undefined = () => undefined,
): Promise<Response> {
  const over: Over = (status, aborted) =>
    adapter.recordOutcome(refusedBy(decision, onOver()), route(), status, aborted);
  const watch = native ? nodeWatch(native, over) : fetchWatch(request.method, over);
  try {
    const inner = await answer();
    return watch.answered(await sealed(inner, decision, request.method), inner.status);
  } catch (error) {
    watch.failed(error);
    throw error;
  }
}

async function sealed(
  response: Response,
  { sealing, sealFailure }: Decision,
  method: string,
): Promise<Response> {
  if (!sealing || !sealFailure || method === 'HEAD') return response;
  return sealedResponse(response, sealing, (error) => responseOf(sealFailure(error), method));
}

/** Runtimes and adapters have classes of their own in the place of the platform's. */
const isResponse = (value: unknown): value is Response =>
  typeof value === 'object' && value !== null && 'status' in value && 'headers' in value;

/** The API's own answer to a refusal; the problem document if it has none. */
export async function refusalOf(
  { request, prepare }: Pick<Exchange, 'request' | 'prepare'>,
  answer: HttpResponse,
  onRefusal: FetchContext['onRefusal'],
): Promise<Response> {
  const { refusal, sealing } = answer;
  if (!sealing) prepare(refusal?.headers ?? answer.headers);
  const own = refusal && (await onRefusal?.(refusal));
  return isResponse(own) ? own : responseOf(answer, request.method);
}

async function served(
  adapter: BaseDualModeAdapter,
  context: FetchContext,
  asked: FetchRequest,
  pass: Pass,
  onRefused: (error: XlinkError) => void,
): Promise<Response> {
  const request = asked.opened(pass);
  if (pass.fields && context.native) dropTrailers(context.native.incoming);
  const onRefusal = context.onGuardRefusal;
  rememberRequestContext(adapter, [context.raw, context.request, request], pass, { onRefused, onRefusal });
  const response = await context.serve(request, {
    ...(pass.auth ? { auth: copyOf(pass.auth) } : {}),
    ...(pass.message ? { agentMessage: pass.message } : {}),
  });
  return withHeaders(response, pass.headers);
}
