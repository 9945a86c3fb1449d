import type { AnswerHead, AnswerSealer } from '../http/answer-head.js';
import { mediaTypeOf } from '../http/media-type.js';
import { UNSIGNED_HEADER } from '../signature/profile.js';
import type { SignAnswer } from '../signature/sign-answer.js';

/** The longest answer that is signed, in bytes: it is held until it is whole. */
const MAX_SIGNED_BYTES = 65_536;

/** How long the rest of an answer is waited for that does not say how long it is, in ms. */
const HOLD_MS = 250;

/** Holds an answer until it is whole, and signs it; one that is too long or too slow goes on as it comes, and says so. */
export const answerSigner = (sign: SignAnswer): AnswerSealer => ({
  holdMs({ headers }, size) {
    const field = (name: string) => headers.find(([each]) => each.toLowerCase() === name)?.[1];
    const length = field('content-length');
    if (size > MAX_SIGNED_BYTES || Number(length ?? 0) > MAX_SIGNED_BYTES) return 0;
    if (length !== undefined) return Number.POSITIVE_INFINITY;
    return mediaTypeOf(field('content-type')) === 'text/event-stream' ? 0 : HOLD_MS;
  },
  async begin(head, bytes, isFinal) {
    const isSigned = isFinal && bytes.length <= MAX_SIGNED_BYTES;
    return { head: isSigned ? await sign(head, bytes) : unsigned(head), parts: [bytes] };
  },
  more: async (bytes) => [bytes],
  reuse: () => {},
});

const unsigned = ({ status, headers }: AnswerHead): AnswerHead => ({
  status,
  headers: [...headers, [UNSIGNED_HEADER, '?0']],
});
