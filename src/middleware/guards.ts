import { refusal } from '../adapters/refusals.js';
import { grantsScope, isOwnScope } from '../checks/scope.js';
import { isScope } from '../envelope/fields.js';
import { toXlinkError, type XlinkError, xlinkError } from '../errors/service-errors.js';
import type { Auth, HttpResponse } from '../http/decision.js';
import type { Mode } from '../types/mode.js';
import type { Scope } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { isFunction } from '../util/options.js';
import { requestContextOf } from './request-context.js';

/** What a guard answers to a request; `undefined` if the request may go on. Asks `authOf()` and nothing else. */
export type Guard = (request: object) => HttpResponse | undefined;

/** One that may have to ask elsewhere first. */
export type AskingGuard = (request: object) => Awaitable<HttpResponse | undefined>;

/**
 * Says why a caller is refused: 1 to 64 characters of `A-Z 0-9 _`, which the caller is shown. `undefined` lets it through. A throw or
 * rejection refuses, too. `request` is the object that the framework hands to its handlers; of Koa `ctx.req`.
 */
export type CallerCheck = (auth: Auth, request: object) => Awaitable<string | undefined>;

/** Rejects callers not authenticated by an envelope. Throws `INVALID_OPTION` for arguments: a scope there would do nothing. */
export function xlinkGuard(nothing: readonly unknown[]): Guard {
  if (nothing.length > 0)
    throw xlinkError('INVALID_OPTION', {
      field: 'scope',
      hint: "requireXlink takes nothing; for a scope put requireScope('orders:write') behind it.",
    });
  return (request) => {
    const { method } = requestContextOf(request);
    if (method === 'xlink') return undefined;
    const error = xlinkError(method === 'none' ? 'CREDENTIALS_MISSING' : 'XLINK_REQUIRED');
    return refuse(request, error, 'xlink-only');
  };
}

/** Rejects callers that lack the scope. Throws `INVALID_OPTION` for anything but a scope of the API's own. */
export function scopeGuard(scope: Scope): Guard {
  if (!isScope(scope) || isOwnScope(scope))
    throw xlinkError('INVALID_OPTION', {
      field: 'scope',
      hint: 'requireScope: a scope is 1 to 128 characters of A-Z a-z 0-9 : . _ / -, and does not begin with xlink:, which the library keeps for itself.',
    });
  return (request) => {
    const { auth, mode, neverInSessions } = requestContextOf(request);
    if (!auth) return refuse(request, xlinkError('CREDENTIALS_MISSING'), mode);
    if (auth.mode === 'xlink' && auth.form === 'session' && neverInSessions?.has(scope))
      return refuse(request, xlinkError('SESSION_NOT_ALLOWED', { field: 'scope', scope }), mode);
    if (covers(auth, scope)) return undefined;
    return refuse(request, xlinkError('SCOPE_DENIED', { field: 'scope', scope }), mode);
  };
}

/** Asks a rule of the application about callers that the adapter let through. Throws `INVALID_OPTION`. */
export function callerGuard(check: CallerCheck): AskingGuard {
  if (isFunction(check) !== undefined)
    throw xlinkError('INVALID_OPTION', {
      field: 'check',
      hint: 'requireThat takes a function of auth and request that says why a caller is refused, or undefined.',
    });
  return async (request) => {
    const { auth, mode } = requestContextOf(request);
    if (!auth) return refuse(request, xlinkError('CREDENTIALS_MISSING'), mode);
    try {
      const reason = await check(auth, request);
      if (reason === undefined) return undefined;
      return refuse(request, xlinkError('CALLER_REFUSED'), mode, REASON.test(reason) ? { reason } : {});
    } catch (error) {
      return refuse(request, toXlinkError(error), mode);
    }
  };
}

/** What may be shown of a reason: a name, and nothing that came with the request. */
const REASON = /^[A-Z0-9_]{1,64}$/;

/** The same rights by both ways: what the validator lists in `scopes`, or what the identity was granted. */
const covers = (auth: Auth, scope: Scope): boolean =>
  Array.isArray(auth.scopes) && grantsScope(auth.scopes, scope);

function refuse(request: object, error: XlinkError, mode: Mode, members: object = {}): HttpResponse {
  const { method, style, onRefused } = requestContextOf(request);
  onRefused?.(error);
  return refusal(error, { mode, method, durationMs: 0 }, style, {}, members);
}
