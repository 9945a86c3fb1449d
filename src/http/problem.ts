import { problemTypeOf } from '../errors/docs-url.js';
import { toXlinkError, type XlinkError, xlinkError } from '../errors/errors.js';
import { isErrorId } from '../errors/known-rows.js';
import type { ErrorId } from '../errors/table.js';
import type { Mode } from '../types/mode.js';
import type { Headers } from './decision.js';
import type { HttpTextResponse } from './fetch.js';
import { mediaTypeOf, PROBLEM_TYPE } from './media-type.js';

/** The body of a refusal (RFC 9457), without the hint, which is for operators. `more` adds members, or replaces them. */
export const problemBody = (error: XlinkError, more: object = {}): string =>
  JSON.stringify({
    type: problemTypeOf(error.id),
    title: error.title,
    status: error.status,
    code: error.code,
    subCode: error.subCode,
    scope: error.scope,
    reason: error.reason,
    ...more,
  });

/**
 * `WWW-Authenticate` for a 401 (RFC 9110 section 11.6.1): every scheme that is accepted in this mode. For a 403 the scope
 * that is missing (RFC 6750 section 3).
 */
export function challenges(mode: Mode, realm: string, error: XlinkError): Headers {
  if (error.status === 403 && error.scope !== undefined)
    return { 'WWW-Authenticate': `Xlink realm="${realm}", error="${error.id}", scope="${error.scope}"` };
  if (error.status !== 401) return {};
  const xlink = `Xlink realm="${realm}", error="${error.id}"`;
  const apiKey = `ApiKey realm="${realm}"`;
  const accepted = mode === 'observe' ? [apiKey] : mode === 'xlink-only' ? [xlink] : [xlink, apiKey];
  return { 'WWW-Authenticate': accepted.join(', ') };
}

/** Whether an answer is a refusal with a problem document. */
export const isProblem = ({ status, headers }: Pick<Response, 'status' | 'headers'>): boolean =>
  status >= 400 && mediaTypeOf(headers.get('content-type')) === PROBLEM_TYPE;

/** `CODE` or `CODE:SUB_CODE` of a problem document, known or not. */
export function problemId({ code, subCode }: { code?: unknown; subCode?: unknown }): string | undefined {
  if (typeof code !== 'string') return undefined;
  if (subCode === undefined || subCode === null) return code;
  return typeof subCode === 'string' ? `${code}:${subCode}` : undefined;
}

/**
 * The error that a JSON text names by `code` and `subCode`; `undefined` if it names none of this package. Of one whose text is
 * not loaded here, `type` says that it is of this package.
 */
export function refusalIn(text: string): XlinkError | undefined {
  try {
    const problem = JSON.parse(text);
    const id = problemId(problem);
    if (id === undefined) return undefined;
    const isKnown = toXlinkError(id).cause === undefined; // the cause would be a code that is not known
    if (!isKnown && !(isErrorId(id) && problem.type === problemTypeOf(id as ErrorId))) return undefined;
    const { reason } = problem;
    const isReason = typeof reason === 'string' && isErrorId(reason);
    const known = isKnown ? toXlinkError(id).id : (id as ErrorId);
    return xlinkError(known, isReason ? { reason } : {});
  } catch {
    return undefined;
  }
}

/** The error of which a problem document speaks; `undefined` for every other answer. */
export const refusalOf = (answer: HttpTextResponse): XlinkError | undefined =>
  isProblem(answer) ? refusalIn(answer.text) : undefined;

const UNREAD =
  /^(NONCE_STORE_UNAVAILABLE|LOOKUP_FAILED|RELAY_UNAVAILABLE|INTAKE_FULL|CLIENT_STORE_UNAVAILABLE|MODE_STORE_UNAVAILABLE)(:|$)/;
const FINAL = /^LOOKUP_FAILED:/;

/**
 * Whether a refusal says that nothing was done with the envelope and that it may go better a moment later. Its nonce may
 * be used up all the same, so another attempt needs a new one.
 */
export const isPassing = ({ id }: XlinkError): boolean => UNREAD.test(id) && !FINAL.test(id);
