import type { XlinkError } from '../errors/errors.js';
import { hintForOperators } from '../errors/operator-hints.js';
import { given } from '../util/given.js';

/** An error of a cause chain, as far as a log may hold it. */
export interface CauseFields {
  /** Class of the error. */
  readonly name: string;
  /** Its `code`, such as `ECONNREFUSED`, if it has one. */
  readonly code?: string;
  /** Only with `exposeCauses`. */
  readonly message?: string;
}

/** The key `err` of a line about a fault. */
export interface ErrorFields {
  /** Class of the error, such as `XlinkAgentError`. */
  readonly name: string;
  /** `CODE` or `CODE:SUB_CODE`, as in docs/errors.md. */
  readonly code: string;
  /** The error's message, from the table: what its caller is told. */
  readonly message: string;
  /** What whoever runs the service can do about it, where that is something else. */
  readonly hint?: string;
  /** Envelope member, header or option at fault, if it is known. */
  readonly field?: string;
  /** Stack trace, if there is one. */
  readonly stack?: string;
  /** Chain of causes, the nearest first. */
  readonly causes: readonly CauseFields[];
}

const MAX_CAUSES = 5;
const MAX_MESSAGE = 1000;

/**
 * The error and what is behind it. Causes come from drivers and from the application: their messages hold connection
 * strings, queries and keys, so only name and code are taken unless `exposeCauses`.
 */
export function errorFields(error: XlinkError, exposeCauses: boolean): ErrorFields {
  const { name, id, message, field, stack } = error;
  // Without a prototype: loggers that name an error by its constructor would call this one "Object".
  return Object.assign(Object.create(null), {
    name,
    code: id,
    message,
    ...given({ hint: hintForOperators(id) }),
    ...(field === undefined ? {} : { field }),
    ...(stack === undefined ? {} : { stack }),
    causes: causesOf(error, exposeCauses),
  });
}

function causesOf(error: XlinkError, expose: boolean): CauseFields[] {
  const causes: CauseFields[] = [];
  let one: unknown = error.cause;
  while (one !== undefined && one !== null && causes.length < MAX_CAUSES) {
    causes.push(causeFields(one, expose));
    one = read(one, 'cause');
  }
  return causes;
}

function causeFields(cause: unknown, expose: boolean): CauseFields {
  const [name, code, message] = ['name', 'code', 'message'].map((member) => read(cause, member));
  return {
    name: typeof name === 'string' && /^[A-Z]\w{0,63}$/.test(name) ? name : typeof cause,
    // Such as ECONNREFUSED, ERR_BAD_REQUEST or 28P01; anything else may be a value.
    ...(typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? { code } : {}),
    ...(expose ? { message: String(typeof cause === 'object' ? message : cause).slice(0, MAX_MESSAGE) } : {}),
  };
}

/** A member of anything, even of an object that throws when it is looked at. */
function read(value: unknown, member: string): unknown {
  try {
    return Object(value)[member];
  } catch {
    return undefined;
  }
}
