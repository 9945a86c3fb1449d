import { ServerError } from './errors.js';
import type { ServerParts } from './parts.js';
import { allows } from './roles.js';
import type { Caller } from './route.js';

/** Whether a DID holds a role here, active in the registry or not. */
export const hasRole = async ({ access }: Pick<ServerParts, 'access'>, did: string): Promise<boolean> =>
  (await access.roleOf(did)) !== undefined;

/**
 * Nobody but an admin touches what belongs to a DID with a role: its entry, which would have that role again if it came back or got other
 * keys or scopes, and its key, which speaks with that role. Throws `PERMISSION_DENIED:ROLE_HOLDER`.
 */
export async function assertMayTouch(
  server: Pick<ServerParts, 'access'>,
  { role }: Caller,
  dids: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (allows(role, 'access:write')) return;
  for (const [field, did] of Object.entries(dids))
    if (typeof did === 'string' && (await hasRole(server, did)))
      throw new ServerError('PERMISSION_DENIED:ROLE_HOLDER', { field });
}
