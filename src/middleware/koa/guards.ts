import type { Scope } from '../../types/protocol.js';
import { assertKoa } from '../framework-check.js';
import { type AskingGuard, type CallerCheck, callerGuard, scopeGuard, xlinkGuard } from '../guards.js';
import { requestContextOf } from '../request-context.js';
import { type KoaMiddleware, refuseKoa } from './middleware.js';

/**
 * Rejects callers not authenticated by an envelope, whatever the mode. Put it behind `adapter.koa()`: it
 * believes the adapter, and never `ctx.state.auth`, which any library can write. Throws `INVALID_OPTION` for arguments: scopes are for
 * {@link requireScope}.
 */
export const requireXlink = (...nothing: never[]): KoaMiddleware => koaGuard(xlinkGuard(nothing));

/**
 * Lets a caller through whose envelope was signed for this very scope, or whose key has it (or `*`) among the `scopes`
 * that `legacyKeyValidator` returned. Put it behind `adapter.koa()`. Throws `INVALID_OPTION`.
 */
export const requireScope = (scope: Scope): KoaMiddleware => koaGuard(scopeGuard(scope));

/**
 * Lets a caller through of whom a rule of the application says nothing else. What it returns refuses the caller with `CALLER_REFUSED`,
 * and is the `reason` in the problem document. Put it behind `adapter.koa()`. Throws `INVALID_OPTION`.
 */
export const requireThat = (check: CallerCheck): KoaMiddleware => koaGuard(callerGuard(check));

const koaGuard = (guard: AskingGuard): KoaMiddleware =>
  async function xlinkAuthorization(ctx, next) {
    assertKoa('guard', ctx, next);
    const answer = await guard(ctx.req);
    if (answer) await refuseKoa(ctx, answer, requestContextOf(ctx.req).onRefusal as never);
    else await next();
  };
