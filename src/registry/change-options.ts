import type { Registration } from '../types/protocol.js';
import {
  anything,
  checkKeys,
  checkOptions,
  type OptionCheck,
  type OptionChecks,
  oneOf,
} from '../util/options.js';
import type { Grant, RevokeOptions, ScopeChange } from './managed.js';

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
const isReason: OptionCheck = (value) =>
  typeof value === 'string' && /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u.test(value) && value.length <= MAX_REASON
    ? undefined
    : `1 to ${MAX_REASON} printable characters`;

/** The names of the members of a registration. */
export const REGISTRATION_MEMBERS: readonly string[] = Object.keys(REGISTRATION);

/**
 * The registration in an entry, which may be copied from another registry while it is active: registering is no way
 * back for a DID that was revoked. Throws `INVALID_OPTION`.
 */
export function registrationIn(entry: Registration & { readonly status?: unknown }): Registration {
  const { status, ...registration } = Object(entry) as typeof entry;
  checkOptions('register', { status }, { status: oneOf('active') });
  checkKeys('register', entry && registration, REGISTRATION_MEMBERS);
  return registration;
}

/** Throws `INVALID_OPTION`. */
export const checkGrant = (grant: Grant): void =>
  checkOptions('add', grant, { scopes: anything, name: anything });

/** Throws `INVALID_OPTION`. */
export const checkRevokeOptions = (options: RevokeOptions): void =>
  checkOptions('revoke', options, { reason: isReason });

/** Throws `INVALID_OPTION`. */
export const checkScopeChange = (change: ScopeChange): void =>
  checkOptions('updateScopes', change, { scopes: anything, receiveScopes: anything });
