import { defaultProvider } from '#provider';
import type { Header } from '../envelope/plaintext.js';
import type { AnswerHead, AnswerSealer } from '../http/answer-head.js';
import type { InboundRequest } from '../http/decision.js';
import { mediaTypeOf } from '../http/media-type.js';
import { UNSIGNED_HEADER } from '../signature/profile.js';
import { SIGNATURE_FIELDS, type SignAnswer } from '../signature/sign-answer.js';

/** The longest answer that is signed in its head, in bytes: it is held until it is whole. */
const MAX_SIGNED_BYTES = 65_536;

/** How long the rest of an answer is waited for that does not say how long it is, in ms. */
const HOLD_MS = 250;

/** Whether the caller takes trailers: `TE: trailers` (RFC 9110 section 10.1.4). */
const takesTrailers = ({ header }: Pick<InboundRequest, 'header'>): boolean =>
  (header('te') ?? '').split(',').some((coding) => coding.trim().toLowerCase() === 'trailers');

/**
 * Holds an answer until it is whole, and signs it. One that is too long or too slow goes on as it comes: signed behind its end where
 * caller and connection take trailers, else it says that it is not.
 */
export function answerSigner(sign: SignAnswer, request: Pick<InboundRequest, 'header'>): AnswerSealer {
  const isTrailed = takesTrailers(request);
  const all = defaultProvider().sha256Stream();
  let behind: AnswerHead | undefined;
  return {
    holdMs({ headers }, size) {
      const field = (name: string) => headers.find(([each]) => each.toLowerCase() === name)?.[1];
      const length = field('content-length');
      if (size > MAX_SIGNED_BYTES || Number(length ?? 0) > MAX_SIGNED_BYTES) return 0;
      if (length !== undefined) return Number.POSITIVE_INFINITY;
      return mediaTypeOf(field('content-type')) === 'text/event-stream' ? 0 : HOLD_MS;
    },
    async begin(head, bytes, isFinal, canTrail) {
      const plain = { ...head, headers: head.headers.filter(without('content-digest')) };
      all.update(bytes);
      if (isFinal && bytes.length <= MAX_SIGNED_BYTES) {
        const signature = await sign(plain, all.digest(), 'head');
        return { head: { ...plain, headers: [...plain.headers, ...signature] }, parts: [bytes] };
      }
      if (!isTrailed || !canTrail) return { head: unsigned(head), parts: [bytes] };
      behind = plain;
      const announced: Header = ['Trailer', SIGNATURE_FIELDS.join(', ')];
      return {
        head: { ...plain, headers: [...plain.headers.filter(without('content-length')), announced] },
        parts: [bytes],
      };
    },
    async more(bytes) {
      if (behind) all.update(bytes);
      return [bytes];
    },
    trailers: async () => behind && sign(behind, all.digest(), 'trailers'),
    reuse: () => {},
  };
}

const without =
  (unwanted: string) =>
  ([name]: Header): boolean =>
    name.toLowerCase() !== unwanted;

const unsigned = ({ status, headers }: AnswerHead): AnswerHead => ({
  status,
  headers: [...headers, [UNSIGNED_HEADER, '?0']],
});
