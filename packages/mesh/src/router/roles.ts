import type { SecureChannel } from '../channel.js';
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
 * Throws `ROLE_MISSING` unless the other end of the channel has the role. The identity was proven by the channel: no token is needed
 * beside it.
 */
export function requireRole(channel: SecureChannel, role: string): void {
  if (!channel.peer.roles.includes(role)) throw new MeshError('ROLE_MISSING', { field: 'roles' });
}
