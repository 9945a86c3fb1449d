import { xlinkError } from '../errors/errors.js';
import { hintForOperators } from '../errors/operator-hints.js';
import { ERROR_TABLE, type ErrorId } from '../errors/table.js';

/** What an error means to the operator of the API. */
export interface Explanation {
  /** The id of the error. */
  readonly reason: ErrorId;
  /** HTTP status it was refused with. */
  readonly status: number;
  /** The error's message. */
  readonly message: string;
  /** What the operator can do about it. */
  readonly hint: string;
  /** Address of the documentation. */
  readonly docs: string;
}

/** An id that is not in the error table counts as `INTERNAL`. */
export const knownId = (id: string): ErrorId =>
  Object.hasOwn(ERROR_TABLE, id) ? (id as ErrorId) : 'INTERNAL';

export function explain(reason: ErrorId): Explanation {
  const { status, title: message, hint, docUrl: docs } = xlinkError(reason);
  return { reason, status, message, hint: hintForOperators(reason) ?? hint, docs };
}
