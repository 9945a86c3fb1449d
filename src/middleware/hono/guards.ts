import type { Scope } from '../../types/protocol.js';
import { refusalOf } from '../fetch/authenticate.js';
import { assertHono } from '../framework-check.js';
import { type AskingGuard, type CallerCheck, callerGuard, scopeGuard, xlinkGuard } from '../guards.js';
import { requestContextOf } from '../request-context.js';
import { type HonoMiddleware, type HonoOptions, leftTo, prepareIn } from './middleware.js';

/**
 * Rejects callers not authenticated by an envelope, whatever the mode. Put it behind {@link honoMiddleware}: it believes the
 * adapter, and never what other middleware set. Throws `INVALID_OPTION` for arguments: scopes are for {@link requireScope}.
 */
export const requireXlink = (...nothing: never[]): HonoMiddleware => honoGuard(xlinkGuard(nothing));

/**
 * Lets a caller through who was granted this scope, or whose key has it (or `*`) among the `scopes` that
 * `legacyKeyValidator` returned. Put it behind {@link honoMiddleware}. Throws `INVALID_OPTION`.
 */
export const requireScope = (scope: Scope): HonoMiddleware => honoGuard(scopeGuard(scope));

/**
 * Lets a caller through of whom a rule of the application says nothing else. What it returns refuses the caller with `CALLER_REFUSED`,
 * and is the `reason` in the problem document. Put it behind {@link honoMiddleware}. Throws `INVALID_OPTION`.
 */
export const requireThat = (check: CallerCheck): HonoMiddleware => honoGuard(callerGuard(check));

const honoGuard = (guard: AskingGuard): HonoMiddleware =>
  async function xlinkAuthorization(c, next) {
    assertHono('guard', c, next);
    const answer = await guard(c);
    if (answer) {
      const onRefusal = requestContextOf(c).onRefusal as HonoOptions['onRefusal'];
      return refusalOf({ request: c.req.raw, prepare: prepareIn(c) }, answer, leftTo(onRefusal, c));
    }
    await next();
    return undefined;
  };
