import { type Role, roleAllows, rolePermissions } from '@private.me/xlink/http-api';

export { ROLES, type Role } from '@private.me/xlink/http-api';

/** Who may do what: one row for each permission, one column for each role. The documentation and the tests read this table. */
// biome-ignore format: a table reads best with one row per line
export const PERMISSIONS = {
  'agents:read':     { admin: true, operator: true,  auditor: true },
  'agents:write':    { admin: true, operator: true,  auditor: false },
  'agents:use':      { admin: true, operator: true,  auditor: false },
  'registry:read':   { admin: true, operator: true,  auditor: true },
  'registry:write':  { admin: true, operator: true,  auditor: false },
  'services:write':  { admin: true, operator: true,  auditor: false },
  'invites:read':    { admin: true, operator: true,  auditor: true },
  'invites:write':   { admin: true, operator: true,  auditor: false },
  'mode:read':       { admin: true, operator: true,  auditor: true },
  'mode:write':      { admin: true, operator: false, auditor: false },
  'access:read':     { admin: true, operator: false, auditor: true },
  'access:write':    { admin: true, operator: false, auditor: false },
  'audit:read':      { admin: true, operator: false, auditor: true },
  'metrics:read':    { admin: true, operator: true,  auditor: true },
} as const satisfies Record<string, Readonly<Record<Role, boolean>>>;

/** One row of the table. */
export type Permission = keyof typeof PERMISSIONS;

/**
 * Who may use a route: anyone; any active DID of the registry, by envelope (`member`); or those whose role has the permission.
 */
export type Access = 'public' | 'member' | Permission;

/** Whether a role includes a permission. */
export const allows = (role: Role | undefined, permission: Permission): boolean =>
  roleAllows(PERMISSIONS, role, permission);

/** The permissions of a role, in the order of the table. */
export const permissionsOf = (role: Role | undefined): readonly Permission[] =>
  rolePermissions(PERMISSIONS, role) as readonly Permission[];
