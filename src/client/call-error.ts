import { type XlinkError, xlinkError } from '../errors/errors.js';
import { isProblem, refusalIn } from '../http/problem.js';
import { branded } from '../util/copies.js';
import { SEALED_HEADER } from './response.js';

/** `cause` of `CALL_FAILED`: what the service answered. */
export class CallFailure extends Error {
  static {
    branded(this, 'call-failure');
  }

  override readonly name = 'CallFailure';
  /** HTTP status of the response. */
  readonly status: number;
  /** The parsed JSON, else the text; `undefined` if there was none. */
  readonly body: unknown;

  /** `body`: the parsed JSON, else the text. */
  constructor(status: number, body: unknown) {
    super(`The service answered with status ${status}.`);
    this.status = status;
    this.body = body;
  }
}

/** The error of the adapter that refused the call, else `CALL_FAILED`. */
export function callError(response: Response, text: string): XlinkError {
  const cause = new CallFailure(response.status, parseBody(text));
  const sealed = response.headers.get(SEALED_HEADER) === 'true';
  const known = isProblem(response) && !sealed ? refusalIn(text) : undefined;
  return xlinkError(known && known.id !== 'INTERNAL' ? known.id : 'CALL_FAILED', { cause });
}

/** JSON if it is, else the text. */
export function parseBody(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
