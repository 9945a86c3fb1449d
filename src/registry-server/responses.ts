import type { XlinkError } from '../errors/errors.js';
import type { ErrorId } from '../errors/table.js';
import type { HttpResponse } from '../http/decision.js';
import { JSON_TYPE, PROBLEM_TYPE } from '../http/media-type.js';
import { problemBody } from '../http/problem.js';

/** Nothing in between may keep an answer: the next revocation takes effect at once. */
const NO_STORE = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

export const jsonResponse = (status: number, value: unknown): HttpResponse => ({
  action: 'answer',
  status,
  headers: { 'Content-Type': JSON_TYPE, ...NO_STORE },
  body: JSON.stringify(value),
});

/** An answer for a request that is not for a registry at all: it holds no code, so that it is not taken for "unknown DID". */
export const plainProblem = (
  status: number,
  title: string,
  headers: Record<string, string> = {},
): HttpResponse => ({
  action: 'answer',
  status,
  headers: { 'Content-Type': PROBLEM_TYPE, ...NO_STORE, ...headers },
  body: JSON.stringify({ type: 'about:blank', title, status }),
});

/** Where the status of the table is meant for receivers of envelopes. */
const OWN_STATUS: Partial<Record<ErrorId, number>> = {
  INVALID_OPTION: 400,
  KEY_RECORD_INVALID: 400,
  KEY_RECORD_ROLLED_BACK: 409,
  KEY_RECORD_DOWNGRADED: 409,
};

/**
 * The answer for an error (RFC 9457). What the registry itself failed at, and why, stays with the operator: a
 * `REGISTRATION_FAILED` without a cause is about the request (400), one with a cause is not (503).
 */
export function problemOf(error: XlinkError, more: object = {}): HttpResponse {
  const status = statusOf(error);
  return {
    action: 'answer',
    status,
    headers: {
      'Content-Type': PROBLEM_TYPE,
      ...NO_STORE,
      ...(status === 401 ? { 'WWW-Authenticate': 'Bearer realm="xlink-registry"' } : {}),
    },
    body: problemBody(error, { status, field: error.field, ...more }),
  };
}

function statusOf(error: XlinkError): number {
  if (error.id === 'REGISTRATION_FAILED') return error.cause === undefined ? 400 : 503;
  return OWN_STATUS[error.id] ?? error.status;
}
