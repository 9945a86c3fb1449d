import { copyOf } from '../../adapters/customer.js';
import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import { toXlinkError, type XlinkError } from '../../errors/errors.js';
import type { Decision, HttpResponse, Pass, Refusal } from '../../http/decision.js';
import type { OnRefusal } from '../refusal-options.js';
import { refusedBy, rememberRequestContext } from '../request-context.js';
import { FetchRequest } from './request.js';
import { responseOf, sealedResponse, withHeaders } from './response.js';

/** A request and its way to a handler, in a framework that works with requests and responses of the Fetch standard. */
export interface FetchContext {
  readonly request: Request;
  /** The object that handlers know the request by. */
  readonly raw: object;
  readonly remoteAddress?: string | undefined;
  /** Template of the route that served the request; asked for when there is a response. */
  route(): string | undefined;
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
  const asked = new FetchRequest(context.request, context.raw, context.remoteAddress);
  const decision = await adapter.decide(asked.inbound).catch((error) => {
    throw toXlinkError(error);
  });
  let refused: XlinkError | undefined; // by a guard behind the adapter
  const onRefused = (error: XlinkError) => {
    refused ??= error;
  };
  const count = ({ status }: { readonly status: number }) =>
    adapter.recordOutcome(refusedBy(decision, refused), context.route(), status);
  try {
    const response = await answerTo(adapter, { ...context, onRefused }, asked, decision);
    count(response.inner);
    return response.outer;
  } catch (error) {
    count({ status: 500 });
    throw error;
  }
}

type Served = FetchContext & { readonly onRefused: (error: XlinkError) => void };

async function answerTo(
  adapter: BaseDualModeAdapter,
  context: Served,
  asked: FetchRequest,
  decision: Decision,
): Promise<{ readonly inner: { readonly status: number }; readonly outer: Response }> {
  const { method } = asked.inbound;
  if (decision.action === 'answer') {
    const answer = await refusalOf(decision, method, context.onRefusal);
    return sealed(answer, decision, method);
  }
  return sealed(
    withHeaders(await served(adapter, context, asked, decision), decision.headers),
    decision,
    method,
  );
}

/** What was answered, and what is sent: that is sealed, for a caller that asks for it. */
async function sealed(response: Response, { sealing, sealFailure }: Decision, method: string) {
  if (!sealing || !sealFailure || method === 'HEAD') return { inner: response, outer: response };
  const outer = await sealedResponse(response, sealing, (error) => responseOf(sealFailure(error), method));
  return { inner: response, outer };
}

/** Runtimes and adapters have classes of their own in the place of the platform's. */
const isResponse = (value: unknown): value is Response =>
  typeof value === 'object' && value !== null && 'status' in value && 'headers' in value;

/** The API's own answer to a refusal; the problem document if it has none. */
export async function refusalOf(
  answer: HttpResponse,
  method: string,
  onRefusal: FetchContext['onRefusal'],
): Promise<Response> {
  const { refusal } = answer;
  const own = refusal && (await onRefusal?.(refusal));
  return isResponse(own) ? withHeaders(own, refusal!.headers) : responseOf(answer, method);
}

function served(
  adapter: BaseDualModeAdapter,
  context: Served,
  asked: FetchRequest,
  pass: Pass,
): Promise<Response> {
  const request = asked.opened(pass);
  rememberRequestContext(adapter, [context.raw, context.request, request], pass, {
    onRefused: context.onRefused,
    onRefusal: context.onGuardRefusal,
  });
  return context.serve(request, {
    ...(pass.auth ? { auth: copyOf(pass.auth) } : {}),
    ...(pass.message ? { agentMessage: pass.message } : {}),
  });
}
