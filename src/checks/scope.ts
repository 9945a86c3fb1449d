import type { Scope } from '../types/protocol.js';

/** In a request: all scopes that the sender was granted. In a list: any scope. */
export const ALL_SCOPES = '*';

/** Begins the scopes of the library's own routes. They need no grant, and are good nowhere else. */
const OWN_PREFIX = 'xlink:';

export const isOwnScope = (scope: Scope): boolean => scope.startsWith(OWN_PREFIX);

/** Whether a list of rights holds the scope. No list holds none. `*` in the list: any. */
export const grantsScope = (granted: readonly Scope[] | undefined, scope: Scope): boolean =>
  granted !== undefined && (granted.includes(scope) || granted.includes(ALL_SCOPES));

/** Whether an agent's own restriction lets the scope pass. No list: no restriction. `*` in the list: any. */
export const acceptsScope = (accepted: readonly Scope[] | undefined, scope: Scope): boolean =>
  accepted === undefined || accepted.includes(scope) || accepted.includes(ALL_SCOPES);

/** The scopes a request may use: all that were granted, less what the receiver does not accept. */
export function scopesInForce(
  granted: readonly Scope[] | undefined,
  accepted: readonly Scope[] | undefined,
): readonly Scope[] {
  if (!granted) return [];
  if (accepted === undefined || accepted.includes(ALL_SCOPES)) return granted;
  if (granted.includes(ALL_SCOPES)) return accepted;
  return granted.filter((scope) => accepted.includes(scope));
}
