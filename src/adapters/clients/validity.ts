import { xlinkError } from '../../errors/service-errors.js';
import type { ApiKeyAuth } from '../../http/decision.js';
import type { EnrollmentAdmission } from '../../types/ports.js';
import type { Clock } from '../../types/protocol.js';
import { isDate } from '../../util/options.js';
import { promptAnswer } from '../../util/prompt-answer.js';
import type { Standing } from './store.js';

/** When enrollments end, from the options of the adapter. */
export interface ValidityRules {
  /** How long an enrollment is good, in ms. */
  readonly enrollmentValidMs: number | undefined;
  /** Until when the key that enrolls a DID vouches for it. */
  readonly enrollmentValidUntil: ((auth: ApiKeyAuth) => Date | undefined) | undefined;
}

/** Whether enrollments end here at all. */
export const hasEnds = ({ enrollmentValidMs, enrollmentValidUntil }: ValidityRules): boolean =>
  enrollmentValidMs !== undefined || enrollmentValidUntil !== undefined;

/**
 * When an enrollment made now ends, in ms since 1970; `undefined`: never. Without a key, an identity renews what time
 * alone ends, and nothing that a key vouched for. Throws `INVALID_OPTION`, or `ENROLLMENT_EXPIRED` for a time that is over.
 */
export function validUntil(
  { enrollmentValidMs, enrollmentValidUntil }: ValidityRules,
  now: ReturnType<Clock>,
  auth: ApiKeyAuth | undefined,
  before: Standing | undefined,
): number | undefined {
  if (enrollmentValidUntil && !auth) return before?.validUntil;
  const ends = [
    enrollmentValidMs === undefined ? Infinity : now + enrollmentValidMs,
    enrollmentValidUntil ? timeOf(enrollmentValidUntil(auth!)) : Infinity,
  ];
  const end = Math.min(...ends);
  if (end <= now) throw xlinkError('ENROLLMENT_EXPIRED');
  return end === Infinity ? undefined : end;
}

/** The same for what a verifier admitted: the earlier of its own end and that of all enrollments. Throws `ENROLLMENT_EXPIRED`. */
export function endOf(
  { validUntil: own = Infinity }: Pick<EnrollmentAdmission, 'validUntil'>,
  { enrollmentValidMs = Infinity }: ValidityRules,
  now: ReturnType<Clock>,
): number | undefined {
  const end = Math.min(own, now + enrollmentValidMs);
  if (end <= now) throw xlinkError('ENROLLMENT_EXPIRED');
  return end === Infinity ? undefined : end;
}

function timeOf(end: unknown): number {
  const what = 'a Date, or undefined for an enrollment that does not end';
  return promptAnswer('enrollmentValidUntil', end, isDateOrNone, what)?.getTime() ?? Infinity;
}

const isDateOrNone = (end: unknown): end is Date | undefined =>
  end === undefined || isDate(end) === undefined;

/** Throws `CLIENT_REVOKED` or `ENROLLMENT_EXPIRED` unless a DID with this standing counts. */
export function assertStanding({ revokedSince, validUntil }: Standing, now: ReturnType<Clock>): void {
  if (revokedSince !== undefined) throw xlinkError('CLIENT_REVOKED');
  if (validUntil !== undefined && validUntil <= now) throw xlinkError('ENROLLMENT_EXPIRED');
}
