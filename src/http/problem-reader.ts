import { type XlinkError, xlinkError } from '../errors/errors.js';
import { ERROR_TABLE, type ErrorId } from '../errors/table.js';
import type { HttpTextResponse } from './fetch.js';

const PROBLEM_TYPE = /^application\/problem\+json\s*(;|$)/i;

/** The error of which a problem document speaks (RFC 9457); `undefined` for every other answer. */
export function refusalOf(answer: HttpTextResponse): XlinkError | undefined {
  if (answer.status < 400 || !PROBLEM_TYPE.test(answer.headers.get('content-type') ?? '')) return undefined;
  return refusalIn(answer.text);
}

/** The error that a JSON text names by `code` and `subCode`; `undefined` if it names none of this package. */
export function refusalIn(text: string): XlinkError | undefined {
  try {
    const { code, subCode } = JSON.parse(text) as { code?: unknown; subCode?: unknown };
    const id = subCode === undefined ? code : `${String(code)}:${String(subCode)}`;
    return typeof id === 'string' && Object.hasOwn(ERROR_TABLE, id) ? xlinkError(id as ErrorId) : undefined;
  } catch {
    return undefined;
  }
}

const UNREAD =
  /^(NONCE_STORE_UNAVAILABLE|LOOKUP_FAILED|RELAY_UNAVAILABLE|CLIENT_STORE_UNAVAILABLE|MODE_STORE_UNAVAILABLE)(:|$)/;
const FINAL = /^LOOKUP_FAILED:/;

/**
 * Whether a refusal says that nothing was done with the envelope and that it may go better a moment later. Its nonce may
 * be used up all the same, so another attempt needs a new one.
 */
export const isPassing = ({ id }: XlinkError): boolean => UNREAD.test(id) && !FINAL.test(id);
