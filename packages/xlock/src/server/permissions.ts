import type { Role, RoleTable } from '@private.me/xlink/http-api';

/** Who may do what at the auth server: one row for each permission, one column for each role. */
// biome-ignore format: a table reads best with one row per line
export const XLOCK_PERMISSIONS = {
  'logins:write':  { admin: true, operator: true,  auditor: false },
  'devices:read':  { admin: true, operator: true,  auditor: true },
  'devices:write': { admin: true, operator: true,  auditor: false },
  'backends:write':{ admin: true, operator: false, auditor: false },
  'access:read':   { admin: true, operator: false, auditor: true },
  'access:write':  { admin: true, operator: false, auditor: false },
  'audit:read':    { admin: true, operator: false, auditor: true },
  'metrics:read':  { admin: true, operator: true,  auditor: true },
} as const satisfies RoleTable & Readonly<Record<string, Readonly<Record<Role, boolean>>>>;

/** One row of {@link XLOCK_PERMISSIONS}. */
export type XlockPermission = keyof typeof XLOCK_PERMISSIONS;

/** Who may use a route: anyone, any token (`member`), or those whose role has the permission. */
export type XlockAccess = 'public' | 'member' | XlockPermission;
