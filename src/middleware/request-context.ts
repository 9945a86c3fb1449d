import { type AuthSource, authOf } from '../adapters/auth-store.js';
import { frozenCopyOf } from '../adapters/customer.js';
import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import { type RefusalStyle, refusalStyle } from '../adapters/refusals.js';
import type { Auth, Pass } from '../http/decision.js';
import type { AuthMethod, Mode } from '../types/mode.js';
import { sharedByCopies } from '../util/copies.js';

/** How a request came through the adapter in front, as far as guards behind need to know. */
export interface RequestContext {
  readonly auth: Auth | undefined;
  readonly method: AuthMethod;
  readonly mode: Mode;
  readonly style: RefusalStyle;
}

const adapters = sharedByCopies(
  'request-context/1',
  () => new WeakMap<object, Pick<RequestContext, 'mode' | 'style'>>(),
);
const NO_ADAPTER: Pick<RequestContext, 'mode' | 'style'> = { mode: 'hybrid', style: refusalStyle({}) };

/** Notes a request that is let through, under each object that stands for it. */
export function rememberRequestContext(
  adapter: BaseDualModeAdapter,
  requests: readonly object[],
  { auth, outcome }: Pass,
): void {
  const context = { mode: outcome?.mode ?? adapter.mode, style: adapter.refusalStyle };
  const remembered = auth && frozenCopyOf(auth);
  for (const request of new Set(requests)) {
    adapters.set(request, context);
    if (remembered) adapter.rememberAuth(request, remembered);
  }
}

export function requestContextOf(request: object): RequestContext {
  const auth = authOf<AuthSource>(request);
  return { ...(adapters.get(request) ?? NO_ADAPTER), auth, method: auth?.mode ?? 'none' };
}
