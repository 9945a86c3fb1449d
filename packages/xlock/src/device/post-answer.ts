import type { XlockAnswer } from '../challenge/answer.js';
import type { XlockChallenge } from '../challenge/challenge.js';
import { XLOCK_ERROR_TABLE, XlockError, type XlockErrorId } from '../errors.js';
import { isMembers, parseJson } from '../util/bytes.js';

/**
 * Hands an answer to the service by HTTP, for `send`. Only to the origin of the challenge: a `callback` elsewhere is refused with
 * `CHALLENGE_INVALID:ORIGIN`. Throws what the service refuses it with.
 */
export async function postAnswer(
  answer: XlockAnswer,
  challenge: XlockChallenge,
  options: { readonly fetch?: typeof fetch; readonly timeoutMs?: number } = {},
): Promise<void> {
  const { callback, origin } = challenge;
  if (!URL.canParse(callback) || new URL(callback).origin !== origin)
    throw new XlockError('CHALLENGE_INVALID:ORIGIN');
  const response = await (options.fetch ?? fetch)(callback, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(answer),
    redirect: 'error',
    signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
  });
  const text = (await response.text()).slice(0, 65_536);
  if (response.ok) return;
  const value = parseJson(text);
  const id = isMembers(value) ? value['id'] : undefined;
  throw new XlockError(
    typeof id === 'string' && Object.hasOwn(XLOCK_ERROR_TABLE, id) ? (id as XlockErrorId) : 'INTERNAL',
  );
}
