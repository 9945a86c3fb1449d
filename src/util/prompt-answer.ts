import { xlinkError } from '../errors/errors.js';
import { isPromiseLike } from './awaitable.js';

/**
 * What a callback of the application answered, if that `isGood`. Throws `INVALID_OPTION` for anything else, above all for a
 * promise: asked for its truth, it is always true.
 */
export function promptAnswer<T>(
  option: string,
  answer: unknown,
  isGood: (answer: unknown) => answer is T,
  what: string,
): T {
  const isLate = isPromiseLike(answer);
  if (!isLate && isGood(answer)) return answer;
  if (isLate) Promise.resolve(answer).then(undefined, () => {}); // nobody waits for it
  throw xlinkError('INVALID_OPTION', { field: option, hint: `${option} must answer at once, with ${what}.` });
}

/** Whether it is a text, or there is none. */
export const isTextOrNone = (answer: unknown): answer is string | undefined =>
  answer === undefined || isText(answer);

/** Whether it is a text that says something. */
export const isText = (answer: unknown): answer is string => typeof answer === 'string' && answer !== '';

/** Whether it is a decision; nothing is a no. */
export const isDecision = (answer: unknown): answer is boolean | undefined =>
  answer === undefined || typeof answer === 'boolean';
