import { type XlinkError, xlinkError } from '../errors/service-errors.js';
import type { ErrorId } from '../errors/table.js';
import { problemId } from '../http/problem.js';
import type { OwnAnswer } from './http-exchange.js';

/** What a registry may answer a change with. Anything else it says is taken for a failure of the registry. */
const REFUSALS = new Set<string>([
  'INVALID_DID',
  'INVALID_DID:WEAK_KEY',
  'REGISTRATION_FAILED',
  'REGISTRATION_FAILED:ALREADY_REGISTERED',
  'REGISTRATION_FAILED:CHANGED_MEANWHILE',
  'REGISTRATION_FAILED:KEYS_UNSIGNED',
  'REGISTRATION_FAILED:UNAUTHORIZED',
  'KEY_RECORD_INVALID',
  'KEY_RECORD_ROLLED_BACK',
  'KEY_RECORD_DOWNGRADED',
  'LOOKUP_FAILED:DID_NOT_IN_REGISTRY',
  'LOOKUP_FAILED:DID_REVOKED',
  'SUCCESSION_CONFLICT',
  'SUCCESSION_INVALID',
  'SUCCESSION_INVALID:CHAIN_TOO_LONG',
  'SUCCESSION_INVALID:EXPIRED',
  'SUCCESSION_INVALID:IN_USE',
  'SUCCESSION_INVALID:NOT_NEXT',
  'BODY_TOO_LARGE',
] satisfies ErrorId[]);

/** The id of the error that an answer tells of; `undefined` for what no registry says. */
export function refusalIdOf({ status, body }: OwnAnswer): ErrorId | undefined {
  const id = problemId(body);
  return status >= 400 && id !== undefined && REFUSALS.has(id) ? (id as ErrorId) : undefined;
}

/**
 * The error for an answer that is not a success: the registry's own refusal, or `REGISTRATION_FAILED` with a `cause` if
 * it could not do what it was asked, which says nothing about the change.
 */
export function refusalOf(answer: OwnAnswer): XlinkError {
  const id = refusalIdOf(answer);
  if (id === undefined || answer.status >= 500)
    return xlinkError('REGISTRATION_FAILED', {
      cause: new Error(`the registry answered with status ${answer.status}`),
    });
  const { field } = answer.body;
  return xlinkError(id, typeof field === 'string' && /^[A-Za-z0-9]{1,32}$/.test(field) ? { field } : {});
}

/** Whether a change failed because the registry could not be reached or was broken: it may or may not have happened. */
export const isUnreachable = (error: XlinkError): boolean =>
  error.id === 'REGISTRATION_FAILED' && error.cause !== undefined;
