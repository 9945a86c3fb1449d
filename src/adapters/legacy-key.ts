import { xlinkError } from '../errors.js';
import type { Awaitable } from '../util/awaitable.js';
import type { ApiKeyAuth } from './http.js';

/**
 * The application's own check of an API key: an object that says who the caller is, or `null`. What the object holds
 * goes to `req.auth` as it is. `undefined` and `false` count as `null`; anything else is a fault of the validator.
 */
export type LegacyKeyValidator = (apiKey: string) => Awaitable<object | null | undefined | false>;

/** Asks the validator, and trusts it with nothing: it may throw, hang or return rubbish. Throws `API_KEY_INVALID` or `KEY_VALIDATOR_FAILED…`. */
export async function validateKey(
  validator: LegacyKeyValidator,
  apiKey: string,
  timeoutMs: number,
): Promise<ApiKeyAuth> {
  const answer = await withTimeout(() => validator(apiKey), timeoutMs);
  if (answer === null || answer === undefined || answer === false) throw xlinkError('API_KEY_INVALID');
  if (typeof answer !== 'object' || Array.isArray(answer))
    throw xlinkError('KEY_VALIDATOR_FAILED:INVALID_RESULT');
  return { ...answer, mode: 'api-key' };
}

async function withTimeout(ask: () => unknown, timeoutMs: number): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(xlinkError('KEY_VALIDATOR_FAILED:TIMEOUT')), timeoutMs);
  });
  const asked = (async () => ask())().catch((cause) => {
    throw xlinkError('KEY_VALIDATOR_FAILED', { cause });
  });
  try {
    return await Promise.race([asked, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
