import type { Result } from '../errors/result.js';
import { requestBinding, targetOf } from '../http/request-binding.js';
import { SESSION_OFFER_HEADER, SESSION_TYPE, SUPERSEDES_HEADER } from '../http/session-headers.js';
import type { SessionMessage } from '../types/ports.js';
import {
  type Posted,
  type Posting,
  postedEnvelope,
  postMessage,
  type Refusal,
  type Replacement,
} from './post-envelope.js';

/** What a receiver says of a session, and not of the message in it. */
const ABOUT_SESSION =
  /^(SESSION_\w+|NONCE_STORE_UNAVAILABLE|RECIPIENT_MISMATCH|BODY_TOO_LARGE|CREDENTIALS_\w+|ENVELOPE_AMBIGUOUS)$/;
/** What something on the way says that does not let sessions through. */
const NOT_LET_THROUGH: ReadonlySet<number> = new Set([400, 401, 403, 415, 431]);
/** After these its number says nothing: the receiver took the message and refused it, has no numbers, or cannot ask for them. */
const WITHOUT_NUMBER = /^(SESSION_NOT_ALLOWED|SESSION_NOT_ACCEPTED|NONCE_STORE_UNAVAILABLE)$/;

/** What has the offer in it is the answer of the application, which got the message. */
const isAboutSession = ({ error: { id, code }, answer: { status, headers } }: Refusal): boolean =>
  !headers.has(SESSION_OFFER_HEADER) &&
  (ABOUT_SESSION.test(code) || (id === 'SEND_FAILED' && NOT_LET_THROUGH.has(status)));

/**
 * Delivers a message that is sealed in a session, by the rules of an envelope: what may have arrived is sent again as it is. Where the session is
 * refused, which nobody signs, the envelope in its place has the same nonce, and names its number in the target, which is signed, where that says
 * something: of the two at most one is taken.
 */
export function postInSession(message: SessionMessage, posting: Posting): Promise<Result<void>> {
  const inItsPlace = async (
    { error }: Refusal,
    url: URL,
    instead?: Posted['instead'],
  ): Promise<Replacement> => {
    const envelope = await message.instead(requestBinding('POST', targetOf(url)), error);
    const posted = postedEnvelope(envelope, url.href);
    return { posted: instead ? { ...posted, instead } : posted, isSame: true };
  };
  const saysNothing = ({ error: { code } }: Refusal) => WITHOUT_NUMBER.test(code);
  const plainly = async (refusal: Refusal) =>
    saysNothing(refusal) ? inItsPlace(refusal, new URL(posting.url)) : undefined;
  const posted: Posted = {
    headers: { Authorization: message.authorization, 'Content-Type': SESSION_TYPE },
    body: message.body,
    async instead(refusal) {
      if (!isAboutSession(refusal)) return undefined;
      const url = new URL(posting.url);
      if (saysNothing(refusal)) return inItsPlace(refusal, url);
      url.searchParams.append(SUPERSEDES_HEADER, message.number);
      return inItsPlace(refusal, url, plainly);
    },
  };
  return postMessage(posted, posting, () => message.again());
}
