import { refusal } from '../adapters/refusals.js';
import { allowsScope } from '../checks/scope.js';
import { isScope } from '../envelope/fields.js';
import { type XlinkError, xlinkError } from '../errors/errors.js';
import type { Auth, HttpResponse } from '../http/decision.js';
import type { Mode } from '../types/mode.js';
import type { Scope } from '../types/protocol.js';
import { requestContextOf } from './request-context.js';

/** What a guard answers to a request; `undefined` if the request may go on. Asks `authOf()` and nothing else. */
export type Guard = (request: object) => HttpResponse | undefined;

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

/** Rejects callers without this scope. Throws `INVALID_OPTION` for anything but a scope. */
export function scopeGuard(scope: Scope): Guard {
  if (!isScope(scope))
    throw xlinkError('INVALID_OPTION', {
      field: 'scope',
      hint: 'requireScope: a scope is 1 to 128 characters of A-Z a-z 0-9 : . _ / -',
    });
  return (request) => {
    const { auth, mode } = requestContextOf(request);
    if (!auth) return refuse(request, xlinkError('CREDENTIALS_MISSING'), mode);
    if (covers(auth, scope)) return undefined;
    const error = xlinkError('SCOPE_DENIED', { field: 'scope', hint: `The route wants the scope ${scope}.` });
    return refuse(request, error, mode);
  };
}

/** An envelope is for the one scope it was signed for; a key is good for all that the validator listed in `scopes`. */
function covers(auth: Auth, scope: Scope): boolean {
  if (auth.mode === 'xlink') return auth.scope === scope;
  return Array.isArray(auth.scopes) && allowsScope(auth.scopes, scope);
}

function refuse(request: object, error: XlinkError, mode: Mode): HttpResponse {
  const { method, style } = requestContextOf(request);
  return refusal(error, { mode, method, durationMs: 0 }, style);
}
