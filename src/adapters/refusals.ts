import type { XlinkError } from '../errors/errors.js';
import type { Answer, Headers, Outcome } from '../http/decision.js';
import { challenges, problemBody } from '../http/problem.js';
import { migrationHeaders } from './deprecation.js';
import type { JsonAnswer } from './well-known.js';

export interface RefusalStyle {
  readonly exposeDetails: boolean;
  readonly realm: string;
  readonly migrationUrl: string | undefined;
}

/** Errors that mean: move to xLink. They say where to read how. */
const TELLS_TO_MOVE: ReadonlySet<string> = new Set([
  'XLINK_REQUIRED',
  'API_KEY_BROWNOUT',
  'API_KEY_LATCHED',
  'API_KEY_SWITCHED_OFF',
]);

/** For what is down (RFC 9110 section 10.2.3). Scripts in browsers may read it, too. */
const RETRY_SOON: Headers = { 'Retry-After': '1', 'Access-Control-Expose-Headers': 'Retry-After' };

/** The problem document for a request that is refused. */
export function refusal(
  error: XlinkError,
  facts: Omit<Outcome, 'error'>,
  style: RefusalStyle,
  more: Headers = {},
): Answer {
  return {
    action: 'answer',
    status: error.status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      ...challenges(facts.mode, style.realm, error),
      ...(error.status === 503 ? RETRY_SOON : {}),
      ...(TELLS_TO_MOVE.has(error.id) ? migrationHeaders(style.migrationUrl) : {}),
      ...more,
    },
    body: problemBody(error, facts.method, style.exposeDetails),
    outcome: { ...facts, error },
  };
}

/** A JSON answer of the adapter's own routes. */
export const jsonAnswer = ({ status, value, cacheSeconds }: JsonAnswer): Answer => ({
  action: 'answer',
  status,
  headers: {
    'Content-Type': 'application/json',
    'Cache-Control': cacheSeconds === undefined ? 'no-store' : `max-age=${cacheSeconds}`,
  },
  body: JSON.stringify(value),
});
