import { printable } from '@private.me/xlink/audit';
import { isXlockError, XLOCK_ERROR_TABLE, type XlockErrorId } from '../errors.js';
import type { StoreProblem } from '../stores/problem.js';
import { isMembers } from '../util/bytes.js';

/** What users of the command can do, where the table speaks to programmers. */
const ADVICE: Partial<Record<XlockErrorId, string>> = {
  CHALLENGE_EXPIRED: 'Begin the login anew at the service.',
  CHALLENGE_ALREADY_USED: 'Begin the login anew at the service: each is good for one answer.',
  RESPONSE_SIGNATURE_INVALID: 'Is this device registered? xlock audit looks at the shares.',
  'RESPONSE_SIGNATURE_INVALID:FORM': 'Is this version of xlock the one that the service expects?',
  PASSKEY_NOT_FOUND: 'Let the service register this device, or run xlock recover.',
  PASSKEY_RECONSTRUCTION_FAILED: 'Make the stores below reachable; xlock audit tells what each has.',
  'PASSKEY_GENERATION_FAILED:EXISTS':
    'To use it here, let the service add this device to it, or run xlock recover. --replace makes a new one, and the old one is of no use then.',
  PASSKEY_STORAGE_FAILED: 'Make the stores below reachable and run it again.',
  PASSKEY_HMAC_MISMATCH: 'xlock audit tells which stores have which; make another store reachable.',
  RECOVERY_SHARES_INSUFFICIENT: 'Look at the stores below. If nothing helps, register anew at the service.',
  RECOVERY_BACKEND_UNAVAILABLE: 'Look at the stores below.',
};

/** What went wrong, for people: what to do about it, and each store that did not do its part. */
export function failureLines(error: unknown): string[] {
  if (!isXlockError(error)) return [(error as Error).message];
  const { id, title, resolution, details } = error;
  const isUsual = resolution === XLOCK_ERROR_TABLE[id].resolution;
  const said = isUsual && ADVICE[id] ? `${title} ${ADVICE[id]}` : error.message;
  return [said, ...storeLines(details)];
}

function storeLines(details: unknown): string[] {
  if (!isMembers(details)) return [];
  const {
    problems = [],
    bad = [],
    doubted = [],
  } = details as {
    problems?: readonly StoreProblem[];
    bad?: readonly string[];
    doubted?: readonly string[];
  };
  return [
    ...problems.map(({ id, reason }) => problemLine(id, reason)),
    ...bad.map((id) => problemLine(id, 'Its share was changed.')),
    ...doubted.map((id) => problemLine(id, 'It and another one disagree: one of them was changed.')),
  ];
}

/** A store and what is the matter with it. */
export const problemLine = (id: string, reason: string): string => `  ${printable(id)}: ${printable(reason)}`;
