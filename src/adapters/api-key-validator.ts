import { xlinkError } from '../errors/service-errors.js';
import type { ApiKeyAuth } from '../http/decision.js';
import type { Awaitable } from '../util/awaitable.js';
import { within } from '../util/deadline.js';
import { membersOf } from './customer.js';

/**
 * The application's own check of an API key: an object that says who the caller is, or `null`. What the object holds
 * goes to `req.auth`, getters and methods of its class included. `undefined`, `false` and an object that says no (one of `ok`,
 * `success`, `valid`, `active`, `enabled`, `exists` and their like is `false`, `0` or `'no'`; or one of `revoked`, `disabled`, `expired`,
 * `suspended`, `deleted` and their like is `true`) count as `null`; anything else, and an object that names nobody, such as an error, a list,
 * an empty row or the answer of a database that its row was not taken from, is a fault of the validator: the key is refused with 500.
 */
export type LegacyKeyValidator<Customer extends object = object> = (
  apiKey: string,
) => Awaitable<Customer | null | undefined | false>;

/**
 * Asks the validator, and trusts it with nothing: it may throw, hang or return rubbish. What it answers at once is there at once, without
 * a timer. Throws or rejects with `API_KEY_INVALID` or `KEY_VALIDATOR_FAILED…`.
 */
export function validateKey(
  validator: LegacyKeyValidator,
  apiKey: string,
  timeoutMs: number,
): Awaitable<ApiKeyAuth> {
  const asked = attempt(() => validator(apiKey));
  return asked instanceof Promise ? within(timeoutMs, asked, timedOut).then(authOf) : authOf(asked);
}

function authOf(answer: unknown): ApiKeyAuth {
  if (answer === null || answer === undefined || answer === false) throw xlinkError('API_KEY_INVALID');
  return Object.assign(membersOf(answer), { mode: 'api-key' as const });
}

const timedOut = () => xlinkError('KEY_VALIDATOR_FAILED:TIMEOUT');

/** The answer, or the promise of one; whatever is thrown on the way is `KEY_VALIDATOR_FAILED`. */
function attempt(ask: () => unknown): unknown {
  const failed = (cause: unknown): never => {
    throw xlinkError('KEY_VALIDATOR_FAILED', { cause });
  };
  try {
    const answer = ask();
    return isThenable(answer) ? Promise.resolve(answer).catch(failed) : answer;
  } catch (cause) {
    return failed(cause);
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
