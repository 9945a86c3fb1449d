import type { Scope } from '../types/protocol.js';

/** Whether a list of scopes allows one. No list: everything is allowed. An empty list: nothing is. `*`: everything. */
export const allowsScope = (allowed: readonly Scope[] | undefined, scope: Scope): boolean =>
  allowed === undefined || allowed.includes(scope) || allowed.includes('*');
