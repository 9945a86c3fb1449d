import { type AuthSource, authOf } from '../adapters/auth-store.js';
import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import { type RefusalStyle, refusalStyle } from '../adapters/refusals.js';
import type { XlinkError } from '../errors/errors.js';
import type { Auth, Pass } from '../http/decision.js';
import type { AuthMethod, Mode } from '../types/mode.js';
import { sharedByCopies } from '../util/copies.js';

/** How a request came through the adapter in front, as far as guards behind need to know. */
export interface RequestContext {
  readonly auth: Auth | undefined;
  readonly method: AuthMethod;
  readonly mode: Mode;
  readonly style: RefusalStyle;
  /** Told what a guard refuses the request with, so that the adapter counts it as refused. Absent without an adapter. */
  readonly onRefused?: (error: XlinkError) => void;
}

/** What does not follow from `authOf()`. */
type Remembered = Pick<RequestContext, 'mode' | 'style' | 'onRefused'>;

const adapters = sharedByCopies('request-context/1', () => new WeakMap<object, Remembered>());
const NO_ADAPTER: Remembered = { mode: 'hybrid', style: refusalStyle({}) };

/** Notes a request that is let through, under each object that stands for it. */
export function rememberRequestContext(
  adapter: BaseDualModeAdapter,
  requests: readonly object[],
  { auth, outcome }: Pass,
  onRefused: (error: XlinkError) => void,
): void {
  const { mode, refusalStyle: style } = adapter;
  for (const request of requests) {
    adapters.set(request, { mode: outcome?.mode ?? mode, style, onRefused });
    if (auth) adapter.rememberAuth(request, frozen(auth));
  }
}

export function requestContextOf(request: object): RequestContext {
  const auth = authOf<AuthSource>(request);
  return { ...(adapters.get(request) ?? NO_ADAPTER), auth, method: auth?.mode ?? 'none' };
}

/** A copy whose list of scopes is a copy too: adding to one adds to no other. */
export const unshared = (auth: Auth): Auth =>
  'scopes' in auth && Array.isArray(auth.scopes) ? { ...auth, scopes: [...auth.scopes] } : { ...auth };

function frozen(auth: Auth): Auth {
  const copy = unshared(auth);
  if ('scopes' in copy && Array.isArray(copy.scopes)) Object.freeze(copy.scopes);
  return Object.freeze(copy);
}
