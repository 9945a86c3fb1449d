import type { HttpResponse } from '../../http/decision.js';
import type { Scope } from '../../types/protocol.js';
import { isPromiseLike } from '../../util/awaitable.js';
import { assertExpress } from '../framework-check.js';
import { type AskingGuard, type CallerCheck, callerGuard, scopeGuard, xlinkGuard } from '../guards.js';
import { requestContextOf } from '../request-context.js';
import { answerOrLeave, type ExpressMiddleware } from './middleware.js';

/**
 * Rejects callers not authenticated by an envelope, whatever the mode. Put it behind `adapter.middleware()`:
 * it believes the adapter, and never `req.auth`, which any library can write. Throws `INVALID_OPTION` for arguments: scopes are for
 * {@link requireScope}.
 */
export const requireXlink = (...nothing: never[]): ExpressMiddleware => expressGuard(xlinkGuard(nothing));

/**
 * Lets a caller through whose envelope was signed for this very scope, or whose key has it (or `*`) among the `scopes`
 * that `legacyKeyValidator` returned. Put it behind `adapter.middleware()`. Throws `INVALID_OPTION`.
 */
export const requireScope = (scope: Scope): ExpressMiddleware => expressGuard(scopeGuard(scope));

/**
 * Lets a caller through of whom a rule of the application says nothing else. What it returns refuses the caller with `CALLER_REFUSED`,
 * and is the `reason` in the problem document. Put it behind `adapter.middleware()`. Throws `INVALID_OPTION`.
 *
 * ```ts
 * app.use('/orders', requireThat((auth) => (isKnown(auth) ? undefined : 'NOT_KNOWN')));
 * ```
 */
export const requireThat = (check: CallerCheck): ExpressMiddleware => expressGuard(callerGuard(check));

const expressGuard = (guard: AskingGuard): ExpressMiddleware =>
  function xlinkAuthorization(req, res, next) {
    assertExpress('guard', req, res, next);
    const answer = guard(req);
    if (isPromiseLike(answer)) answer.then(goOn, next);
    else goOn(answer);

    function goOn(answer: HttpResponse | undefined): void {
      if (answer) answerOrLeave(req, res, next, answer, requestContextOf(req).onRefusal as never);
      else next();
    }
  };
