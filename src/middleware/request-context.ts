import { admissionOf, authBy, rememberAdmission } from '../adapters/auth-store.js';
import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import { type RefusalStyle, refusalStyle } from '../adapters/refusals.js';
import type { XlinkError } from '../errors/errors.js';
import type { Auth, Decision, Pass } from '../http/decision.js';
import type { AuthMethod, Mode } from '../types/mode.js';
import type { Scope } from '../types/protocol.js';
import type { OnRefusal } from './refusal-options.js';

/** How a request came through the adapter in front, as far as guards behind need to know. */
export interface RequestContext {
  readonly auth: Auth | undefined;
  readonly method: AuthMethod;
  readonly mode: Mode;
  readonly style: RefusalStyle;
  /** Scopes that no request of a session may use. Absent without an adapter, and without sessions. */
  readonly neverInSessions?: ReadonlySet<Scope> | undefined;
  /** Told what a guard refuses the request with, so that the adapter counts it as refused. Absent without an adapter. */
  readonly onRefused?: (error: XlinkError) => void;
  /** Answers what guards refuse, where the API does that in its own way. */
  readonly onRefusal?: OnRefusal | undefined;
}

/** What does not follow from `authOf()`. */
type Remembered = Omit<RequestContext, 'auth' | 'method'>;

const NO_ADAPTER: Remembered = { mode: 'hybrid', style: refusalStyle({}) };

/** Notes a request that is let through, under each object that stands for it. */
export function rememberRequestContext(
  adapter: BaseDualModeAdapter,
  requests: readonly object[],
  { auth, outcome }: Pass,
  hooks: Pick<Remembered, 'onRefused' | 'onRefusal'>,
): void {
  const { refusalStyle: style, neverInSessions } = adapter;
  const context = { mode: outcome?.mode ?? adapter.mode, style, neverInSessions, ...hooks };
  for (let at = 0; at < requests.length; at++)
    if (requests.indexOf(requests[at]!) === at) rememberAdmission(requests[at]!, { adapter, auth, context });
}

/** A decision as it is counted: a guard behind the adapter may have refused. */
export const refusedBy = (decision: Decision, error: XlinkError | undefined): Decision =>
  error && decision.outcome ? { ...decision, outcome: { ...decision.outcome, error } } : decision;

export function requestContextOf(request: object): RequestContext {
  const auth = authBy(request);
  const context = (admissionOf(request)?.context as Remembered | undefined) ?? NO_ADAPTER;
  return { ...context, auth, method: auth?.mode ?? 'none' };
}
