/** What a token or DID may be. */
export type Role = 'admin' | 'operator' | 'auditor';

/** All roles, the strongest first. */
export const ROLES = ['admin', 'operator', 'auditor'] as const satisfies readonly Role[];

/** Who may do what: one row for each permission, one column for each role. */
export type RoleTable = Readonly<Record<string, Readonly<Record<Role, boolean>>>>;

/** Whether a role includes a permission of a table. */
export const roleAllows = (table: RoleTable, role: Role | undefined, permission: string): boolean =>
  role !== undefined && Object.hasOwn(table, permission) && table[permission]![role];

/** The permissions of a role, in the order of the table. */
export const rolePermissions = (table: RoleTable, role: Role | undefined): readonly string[] =>
  Object.keys(table).filter((permission) => roleAllows(table, role, permission));
