import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Auth } from '@private.me/xlink';
import { ServerError } from './errors.js';
import type { ServerParts } from './parts.js';
import { allows, type Permission, type Role } from './roles.js';
import type { Caller } from './route.js';

/** What the validator of tokens returns. */
export interface TokenHolder {
  readonly id: string;
  readonly role: Role;
}

/**
 * Who the adapter has found. A DID has the role that it was given here, but not for a request that it limited to one scope: such a one is for
 * what members may do.
 */
export async function callerOf({ adapter, access }: ServerParts, req: IncomingMessage): Promise<Caller> {
  const auth = adapter.authOf(req) as Auth<TokenHolder> | undefined;
  if (!auth)
    throw new ServerError('INTERNAL', { cause: new Error('the adapter let nobody in particular through') });
  if (auth.mode === 'api-key') return { by: 'token', id: auth.id, role: auth.role };
  const role = await access.roleOf(auth.did);
  const caller = { by: 'did', id: auth.did, did: auth.did } as const;
  return role === undefined || auth.scope !== '*' ? caller : { ...caller, role };
}

/** Asks the adapter, which answers by itself where it refuses: `undefined` then. */
export function authenticated(
  server: ServerParts,
): (req: IncomingMessage, res: ServerResponse) => Promise<Caller | undefined> {
  const authenticate = server.adapter.middleware({
    onRefusal: ({ error, problem }, _req, res, next) => {
      // The validator asks the store of tokens: that it is down is another matter than a token that is wrong.
      if (error.id === 'KEY_VALIDATOR_FAILED' && error.cause) return next(error.cause);
      res.setHeader('Content-Type', 'application/problem+json');
      res.end(
        JSON.stringify(problem).replace(/\bAPI keys?\b/g, (word) =>
          word.endsWith('s') ? 'tokens' : 'token',
        ),
      );
    },
  });
  return async (req, res) => {
    const isPassed = await new Promise<boolean>((resolve, reject) => {
      res.once('close', () => resolve(false));
      authenticate(req as never, res as never, (error) => (error ? reject(error) : resolve(true)));
    });
    return isPassed ? callerOf(server, req) : undefined;
  };
}

/** Whether a caller may use a route that is not public. */
export const isAllowed = (access: string, { by, role }: Caller): boolean =>
  access === 'member' ? by !== 'nobody' : allows(role, access as Permission);
