import type { ChannelPeer, SecureChannel } from '../channel.js';
import { MeshError } from '../errors/mesh-error.js';

/** Which roles a DID has: a table, or a function. DIDs that are not there have none. */
export type RoleBinding = Readonly<Record<string, readonly string[]>> | ((did: string) => readonly string[]);

/** The roles of a DID, frozen. */
export function rolesOf(binding: RoleBinding, did: string): readonly string[] {
  const roles =
    typeof binding === 'function' ? binding(did) : Object.hasOwn(binding, did) ? binding[did]! : [];
  return Object.freeze([...roles]);
}

/**
 * Throws `ROLE_MISSING` unless the other end of the channel, or the sender of a message, has the role. The identity was proven by the
 * channel: no token is needed beside it. In a group ask the sender, `from` of the listener; a group itself has no role.
 */
export function requireRole(who: SecureChannel | ChannelPeer, role: string): void {
  const { roles } = 'peer' in who ? who.peer : who;
  if (!roles.includes(role)) throw new MeshError('ROLE_MISSING', { field: 'roles' });
}
