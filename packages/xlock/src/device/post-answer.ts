import type { XlockAnswer } from '../challenge/answer.js';
import type { XlockChallenge } from '../challenge/challenge.js';
import { XlockError } from '../errors.js';
import { postJson } from './post-json.js';

/**
 * Hands an answer to the service by HTTP, for `send`. Only to the origin of the challenge: a `callback` elsewhere is refused with
 * `CHALLENGE_INVALID:ORIGIN`. Throws what the service refuses it with, and `SERVICE_UNREACHABLE` unless it is the service that answers.
 */
export async function postAnswer(
  answer: XlockAnswer,
  challenge: XlockChallenge,
  options: { readonly fetch?: typeof fetch; readonly timeoutMs?: number } = {},
): Promise<void> {
  const { callback, origin } = challenge;
  if (!URL.canParse(callback) || new URL(callback).origin !== origin)
    throw new XlockError('CHALLENGE_INVALID:ORIGIN');
  await postJson(callback, answer, options);
}
