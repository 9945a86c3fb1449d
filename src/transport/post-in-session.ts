import type { Result } from '../errors/result.js';
import { requestBinding, targetOf } from '../http/request-binding.js';
import { SESSION_TYPE, SUPERSEDES_HEADER } from '../http/session-headers.js';
import type { SessionMessage } from '../types/ports.js';
import { type Posted, type Posting, postedEnvelope, postMessage } from './post-envelope.js';

/**
 * Delivers a message that is sealed in a session, by the rules of an envelope: what may have arrived is sent again as it is. Where the session is
 * refused, the envelope in its place names its number in the target, which is signed: of the two at most one is taken.
 */
export function postInSession(message: SessionMessage, posting: Posting): Promise<Result<void>> {
  const posted: Posted = {
    headers: { Authorization: message.authorization, 'Content-Type': SESSION_TYPE },
    body: message.body,
    async instead(error) {
      // Its number is used then, and nobody but the receiver says so.
      const isSame = error.code !== 'SESSION_NOT_ALLOWED';
      const url = new URL(posting.url);
      if (isSame) url.searchParams.append(SUPERSEDES_HEADER, message.number);
      const envelope = await message.instead(requestBinding('POST', targetOf(url)), error);
      return { posted: postedEnvelope(envelope, url.href), isSame };
    },
  };
  return postMessage(posted, posting, () => message.again());
}
