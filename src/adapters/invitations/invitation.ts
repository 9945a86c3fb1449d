import { isOwnScope } from '../../checks/scope.js';
import { isScopeOrAll } from '../../envelope/fields.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { ClientId, Did, Scope } from '../../types/protocol.js';
import { given } from '../../util/given.js';
import { OPERATOR_CHECKS, type Operator } from '../../util/operator.js';
import { checkOptions, isDate, isString, type OptionCheck, requireOption } from '../../util/options.js';

/** For how long an invitation is good unless it is said, and at most, in ms. */
const DEFAULT_MS = 7 * 86_400_000;
const MAX_MS = 366 * 86_400_000;

/** Whom an invitation is for, and what it grants. */
export interface InviteOptions extends Operator {
  /** The id of the client, as the key validator would return it; a new one is a new client. 1 to 256 characters. */
  readonly client: ClientId;
  /** What the identity that enrolls with it may do; `*`: everything; `[]`: nothing that a guard asks for. */
  readonly scopes: readonly Scope[];
  /** Until when it can be used: at most 366 days from now. Default: 7 days from now. What was enrolled with it goes on. */
  readonly expires?: Date;
}

/** An invitation as it was just made. */
export interface NewInvitation extends InvitationReport {
  /** What the client enrolls with, once: 56 characters. It is not kept; whoever has it first may enroll, so hand it over in private. */
  readonly invitation: string;
}

/** An invitation as operators see it. */
export interface InvitationReport {
  /** Its number, 43 characters: the SHA-256 of its text, with which nobody enrolls. */
  readonly number: string;
  /** Whom it is for. */
  readonly client: ClientId;
  /** What it grants. */
  readonly scopes: readonly Scope[];
  /** `open`: can be used; `used`, `expired`, `revoked`: can not, or not any more. */
  readonly state: 'open' | 'used' | 'expired' | 'revoked';
  /** When it was made, ISO 8601 in UTC. */
  readonly createdAt: string;
  /** Until when it can be used, ISO 8601 in UTC. */
  readonly expiresAt: string;
  /** The DID that enrolled with it; absent if none has. */
  readonly did?: Did;
  /** Who made it; absent: not said. */
  readonly by?: string;
  /** Why; absent: not said. */
  readonly why?: string;
}

/** An invitation as it is kept. Times in ms since 1970. */
export interface Invitation extends Operator {
  readonly client: ClientId;
  readonly scopes: readonly Scope[];
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Who is enrolling with it or has. */
  readonly did?: Did;
  /** Its calls that began and were not refused: while there are any, no other DID may enroll. */
  readonly attempts?: number;
  /** When that was done. */
  readonly usedAt?: number;
  readonly revokedAt?: number;
}

const isScopes: OptionCheck = (value) =>
  Array.isArray(value) && value.every((scope) => isScopeOrAll(scope) && !isOwnScope(scope))
    ? undefined
    : 'a list of scopes, such as ["orders:read"]; those of the library itself (xlink:…) need no grant';
const isClient: OptionCheck = (value) =>
  isString(value) === undefined && (value as string).length <= 256 ? undefined : '1 to 256 characters';

/** Throws `INVALID_OPTION`. */
export function checkInviteOptions(options: InviteOptions): void {
  checkOptions('invite', options, {
    client: isClient,
    scopes: isScopes,
    expires: isDate,
    ...OPERATOR_CHECKS,
  });
  for (const name of ['client', 'scopes']) requireOption('invite', options, name);
}

/** Takes options that were checked. Throws `INVALID_OPTION` for a time that is over or too far away. */
export function invitationOf(options: InviteOptions, now: number): Invitation {
  const { client, scopes, expires, by, why } = options;
  const expiresAt = expires?.getTime() ?? now + DEFAULT_MS;
  if (expiresAt <= now || expiresAt > now + MAX_MS)
    throw xlinkError('INVALID_OPTION', {
      field: 'expires',
      hint: 'invite: expires must be a Date in the future, at most 366 days from now.',
    });
  return { client, scopes: [...scopes], createdAt: now, expiresAt, ...given({ by, why }) };
}

export function stateOf(
  { usedAt, revokedAt, expiresAt }: Invitation,
  now: number,
): InvitationReport['state'] {
  if (usedAt !== undefined) return 'used';
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt <= now ? 'expired' : 'open';
}

export const reportOf = (number: string, invitation: Invitation, now: number): InvitationReport => {
  const { client, scopes, createdAt, expiresAt, did, usedAt, by, why } = invitation;
  return {
    number,
    client,
    scopes,
    state: stateOf(invitation, now),
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
    ...(did === undefined || usedAt === undefined ? {} : { did }),
    ...given({ by, why }),
  };
};
