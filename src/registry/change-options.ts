import type { Registration } from '../types/protocol.js';
import {
  anything,
  checkKeys,
  checkOptions,
  integerIn,
  isBoolean,
  type OptionCheck,
  type OptionChecks,
  oneOf,
} from '../util/options.js';
import type { ChangeCondition, Grant, RevokeOptions, ScopeChange } from './managed.js';

/**
 * What may stand in the objects that change an entry. A misspelled `receiveScopes` was meant to restrict, so an unknown
 * member is refused. What the known ones hold is judged where the entry is made.
 */
const REGISTRATION: OptionChecks<Registration> = {
  did: anything,
  name: anything,
  keys: anything,
  capabilities: anything,
  sendScopes: anything,
  receiveScopes: anything,
  organization: anything,
  xchange: anything,
};

/** Longer reasons belong into a ticket: every registry that is asked about the DID hands the reason out. */
const MAX_REASON = 128;
/** Of a revocation. */
export const isReason: OptionCheck = (value) =>
  typeof value === 'string' && /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u.test(value) && value.length <= MAX_REASON
    ? undefined
    : `1 to ${MAX_REASON} printable characters`;

/** The names of the members of a registration. */
export const REGISTRATION_MEMBERS: readonly string[] = Object.keys(REGISTRATION);

/**
 * The registration in an entry, which may be copied from another registry while it is active: registering is no way
 * back for a DID that was revoked. Its revision there is none here. Throws `INVALID_OPTION`.
 */
export function registrationIn(
  entry: Registration & { readonly status?: unknown; readonly revision?: unknown },
): Registration {
  const { status, revision: _, ...registration } = Object(entry) as typeof entry;
  checkOptions('register', { status }, { status: oneOf('active') });
  checkKeys('register', entry && registration, REGISTRATION_MEMBERS);
  return registration;
}

/** What it was given, or throws `INVALID_OPTION`. */
export const checkGrant = (grant: Grant) => checked('add', grant, { scopes: anything, name: anything });

/** What it was given, or throws `INVALID_OPTION`. */
export const checkRevokeOptions = (options: RevokeOptions) =>
  checked('revoke', options, { reason: isReason, successors: isBoolean });

/** What it was given, or throws `INVALID_OPTION`. */
export const checkScopeChange = (change: ScopeChange) =>
  checked('updateScopes', change, { scopes: anything, receiveScopes: anything });

/** What it was given, or throws `INVALID_OPTION`. */
export const checkCondition = (owner: 'updateKeys' | 'succeed', condition: ChangeCondition) =>
  checked(owner, condition, {});

function checked<T extends ChangeCondition>(
  owner: string,
  options: T,
  checks: Omit<OptionChecks<T>, 'ifRevision'>,
): T {
  const ifRevision = integerIn(0, Number.MAX_SAFE_INTEGER);
  checkOptions<ChangeCondition>(owner, options, { ...checks, ifRevision });
  return options;
}
