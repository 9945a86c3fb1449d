import type { IncomingMessage } from 'node:http';
import type { Auth } from '@private.me/xlink';
import { ServerError } from './errors.js';
import type { ServerParts } from './parts.js';
import type { Role } from './roles.js';
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
