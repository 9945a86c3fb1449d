import type { XlinkError } from '../errors/errors.js';
import type { Headers, HttpResponse, Outcome } from '../http/decision.js';
import { ASKS_FOR_XLINK } from '../http/key-refusals.js';
import { JSON_TYPE, PROBLEM_TYPE } from '../http/media-type.js';
import { challenges, problemBody } from '../http/problem.js';
import { migrationHeaders } from './deprecation.js';
import { joinedHeaders } from './joined-headers.js';
import type { DualModeOptions } from './options.js';
import type { OwnAnswer } from './own-answer.js';

/** How a refusal is worded, from the options of the adapter. */
export interface RefusalStyle {
  readonly exposeDetails: boolean;
  readonly realm: string;
  readonly migrationUrl: string | undefined;
}

export const refusalStyle = ({
  exposeDetails,
  realm,
  deprecation,
}: Partial<DualModeOptions>): RefusalStyle => ({
  exposeDetails: exposeDetails ?? false,
  realm: realm ?? 'api',
  migrationUrl: deprecation?.migrationUrl,
});

/** For what is down or full (RFC 9110 section 10.2.3). Scripts in browsers may read it, too. */
function retryAfter({ status, code, retryAfterMs }: XlinkError): Headers {
  if (retryAfterMs === undefined && status !== 503 && code !== 'INTAKE_FULL') return {};
  const seconds = Math.max(1, Math.ceil((retryAfterMs ?? 0) / 1000));
  return { 'Retry-After': String(seconds), 'Access-Control-Expose-Headers': 'Retry-After' };
}

/** Whether the caller has yet to move to xLink: with a key that is over, with nothing, or with an identity that never enrolled. */
const isToMove = ({ id }: XlinkError, { mode }: Pick<Outcome, 'mode'>): boolean =>
  ASKS_FOR_XLINK.has(id) ||
  (mode === 'xlink-only' && id === 'CREDENTIALS_MISSING') ||
  (mode !== 'observe' && id === 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');

/** The problem document for a request that is refused; `members` are added to it. */
export function refusal(
  error: XlinkError,
  attempt: Omit<Outcome, 'error'>,
  style: RefusalStyle,
  more: Headers = {},
  members: object = {},
): HttpResponse {
  const headers = joinedHeaders(
    { 'Cache-Control': 'no-store' },
    challenges(attempt.mode, style.realm, error),
    retryAfter(error),
    isToMove(error, attempt) ? migrationHeaders(style.migrationUrl) : {},
    more,
  );
  const { status } = error;
  const body = problemBody(error, {
    ...members,
    authMethod: attempt.method,
    // They help the caller, and also a person who probes.
    ...(style.exposeDetails ? { detail: error.hint, field: error.field } : {}),
  });
  return {
    action: 'answer',
    status,
    headers: { 'Content-Type': PROBLEM_TYPE, ...headers },
    body,
    outcome: { ...attempt, error },
    refusal: { error, status, headers, problem: JSON.parse(body) },
  };
}

/** A refusal that stays a problem document, because clients of this library decide by it. */
export const forClients = ({ refusal: _, ...answer }: HttpResponse): HttpResponse => answer;

/** An answer of the adapter's own routes. */
export const ownResponse = ({
  status,
  value,
  text,
  headers,
  cacheSeconds,
  sealing,
}: OwnAnswer): HttpResponse => ({
  ...sealing,
  action: 'answer',
  status,
  headers: {
    'Content-Type': JSON_TYPE,
    'Cache-Control': cacheSeconds === undefined ? 'no-store' : `max-age=${cacheSeconds}`,
    ...headers,
  },
  body: text ?? JSON.stringify(value),
});
