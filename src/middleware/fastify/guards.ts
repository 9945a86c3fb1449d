import type { Scope } from '../../types/protocol.js';
import { assertFastifyHook } from '../framework-check.js';
import { type AskingGuard, type CallerCheck, callerGuard, scopeGuard, xlinkGuard } from '../guards.js';
import { requestContextOf } from '../request-context.js';
import { type FastifyReply, type FastifyRequest, refuseFastify } from './plugin.js';

/** A `preHandler` hook of a route or an instance. */
export type FastifyGuard = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/**
 * Rejects callers not authenticated by an envelope, whatever the mode: `{ preHandler: requireXlink() }`. It believes the adapter,
 * and never `request.auth`. Throws `INVALID_OPTION` for arguments: scopes are for {@link requireScope}.
 */
export const requireXlink = (...nothing: never[]): FastifyGuard => fastifyGuard(xlinkGuard(nothing));

/**
 * Lets a caller through who was granted this scope, or whose key has it (or `*`) among the `scopes` that
 * `legacyKeyValidator` returned: `{ preHandler: requireScope('orders:write') }`. Throws `INVALID_OPTION`.
 */
export const requireScope = (scope: Scope): FastifyGuard => fastifyGuard(scopeGuard(scope));

/**
 * Lets a caller through of whom a rule of the application says nothing else. What it returns refuses the caller with `CALLER_REFUSED`,
 * and is the `reason` in the problem document. Put it behind the plugin. Throws `INVALID_OPTION`.
 */
export const requireThat = (check: CallerCheck): FastifyGuard => fastifyGuard(callerGuard(check));

const fastifyGuard = (guard: AskingGuard): FastifyGuard =>
  async function xlinkAuthorization(request, reply) {
    assertFastifyHook('guard', request, reply);
    const answer = await guard(request);
    if (!answer) return undefined;
    await refuseFastify(request, reply, answer, requestContextOf(request).onRefusal as never);
    return reply;
  };
