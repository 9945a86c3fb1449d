import { isOwnScope } from '../checks/scope.js';
import { isScopeOrAll } from '../envelope/fields.js';
import { xlinkError } from '../errors/service-errors.js';
import type { Did, Scope } from '../types/protocol.js';
import { given } from '../util/given.js';
import { OPERATOR_CHECKS, type Operator } from '../util/operator.js';
import { checkOptions, isDate, type OptionCheck, requireOption } from '../util/options.js';

const DEFAULT_MS = 7 * 86_400_000;
const MAX_MS = 366 * 86_400_000;

/** Whom an invite is for, and what it grants. */
export interface InvitePeerOptions extends Operator {
  /** Scopes that the one who accepts may send with; `*`: any. */
  readonly scopes: readonly Scope[];
  /** Scopes that the one who invites may send with in return. Default none. */
  readonly receives?: readonly Scope[];
  /** Until when it can be accepted: at most 366 days from now. Default: 7 days from now. The trust goes on after that. */
  readonly expires?: Date;
  /** Whom it is for: the name in the registry entry where the one who accepts says none. 1 to 128 characters. Default none. */
  readonly name?: string;
  /** Where it is going to be sent, for the list. Nothing is sent. 1 to 254 characters. Default none. */
  readonly email?: string;
}

/** An invite as the one who made it sees it. */
export interface InviteReport extends Operator {
  /** Its number, 43 characters, by which it is revoked; nobody accepts with it. */
  readonly number: string;
  /** `open`: can be accepted; `used`, `expired`, `revoked`: can not, or not any more. */
  readonly state: 'open' | 'used' | 'expired' | 'revoked';
  /** Scopes that the one who accepts may send with. */
  readonly scopes: readonly Scope[];
  /** Scopes that the one who invites may send with in return. */
  readonly receives: readonly Scope[];
  /** When it was made, ISO 8601 in UTC. */
  readonly createdAt: string;
  /** Until when it can be accepted, ISO 8601 in UTC. */
  readonly expiresAt: string;
  /** Whom it is for; absent: not said. */
  readonly name?: string;
  /** Where it was going to be sent; absent: not said. */
  readonly email?: string;
  /** Who accepted it; absent: nobody. */
  readonly did?: Did;
}

/** An invite as it was just made. */
export interface NewInvite extends InviteReport {
  /** `XLK-…`: signed, and good once. It is not kept; who has it first may accept, so hand it over in private. */
  readonly code: string;
  /** A link with the code in its fragment, which is sent to no server. */
  readonly link: string;
}

/** An invite as it is kept, without its secret. Times in ms since 1970. */
export interface StoredInvite extends Operator {
  readonly scopes: readonly Scope[];
  readonly receives: readonly Scope[];
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly name?: string;
  readonly email?: string;
  readonly revokedAt?: number;
  /** Who accepted it: from then on it is good for this DID alone. */
  readonly did?: Did;
  /** Set when the DID was in the registry: what operators change there afterwards stays. */
  readonly isTrusted?: true;
}

const isScopes: OptionCheck = (value) =>
  Array.isArray(value) && value.every((scope) => isScopeOrAll(scope) && !isOwnScope(scope))
    ? undefined
    : 'a list of scopes, such as ["orders:read"]; those of the library itself (xlink:…) need no grant';
const isLine =
  (max: number): OptionCheck =>
  (value) =>
    typeof value === 'string' && /^\P{Cc}+$/u.test(value) && value.length <= max
      ? undefined
      : `a line of 1 to ${max} characters`;

export const isPeerName = isLine(128);

/** Throws `INVALID_OPTION`. */
export function checkInvite(options: InvitePeerOptions): void {
  checkOptions('Invites.create', options, {
    scopes: isScopes,
    receives: isScopes,
    expires: isDate,
    name: isPeerName,
    email: isLine(254),
    ...OPERATOR_CHECKS,
  });
  requireOption('Invites.create', options, 'scopes');
}

/** Takes options that were checked. Throws `INVALID_OPTION` for a time that is over or too far away. */
export function storedOf(options: InvitePeerOptions, now: number): StoredInvite {
  const { scopes, receives = [], expires, name, email, by, why } = options;
  const end = expires?.getTime() ?? now + DEFAULT_MS;
  const expiresAt = Math.ceil(end / 1000) * 1000; // a code has whole seconds
  if (end <= now || end > now + MAX_MS)
    throw xlinkError('INVALID_OPTION', {
      field: 'expires',
      hint: 'Invites.create: expires must be a Date in the future, at most 366 days from now.',
    });
  return {
    scopes: [...scopes],
    receives: [...receives],
    createdAt: now,
    expiresAt,
    ...given({ name, email, by, why }),
  };
}

/** What can be said of an invite from outside. */
export function inviteReport(number: string, invite: StoredInvite, now: number): InviteReport {
  const { isTrusted, revokedAt, createdAt, expiresAt, ...rest } = invite;
  return {
    number,
    state: stateOf(invite, now),
    ...rest,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  };
}

export function stateOf({ did, revokedAt, expiresAt }: StoredInvite, now: number): InviteReport['state'] {
  if (did !== undefined) return 'used';
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt <= now ? 'expired' : 'open';
}

const NOT_OPEN = {
  used: 'INVITATION_REFUSED:USED',
  expired: 'INVITATION_REFUSED:EXPIRED',
  revoked: 'INVITATION_REFUSED:REVOKED',
} as const;

/** What is there for this DID: open, or accepted by it before. Throws `INVITATION_REFUSED…`. */
export function assertGood(
  invite: StoredInvite | undefined,
  did: Did | undefined,
  now: number,
): StoredInvite {
  if (!invite) throw xlinkError('INVITATION_REFUSED:UNKNOWN');
  const state = stateOf(invite, now);
  if (state === 'open' || (state === 'used' && (did === undefined || invite.did === did))) return invite;
  throw xlinkError(NOT_OPEN[state]);
}
