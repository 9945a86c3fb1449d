import type { SealAnswer } from '../agent/answer.js';
import { concat } from '../crypto/bytes.js';
import { MAX_CHUNK_BYTES } from '../envelope/chunks.js';
import type { SealedAnswer } from '../envelope/seal-answer.js';
import { xlinkError } from '../errors/errors.js';
import { encodeFrame, FRAME } from '../http/answer-frames.js';
import { type AnswerSealer, sealedHead } from '../http/answer-head.js';
import type { InboundRequest } from '../http/decision.js';
import { ANSWER_TYPE, mediaTypeOf } from '../http/media-type.js';
import { encodeUtf8 } from '../util/utf8.js';

/** Whether the caller asks for a sealed answer: `Accept: application/xlink-answer`, alone or among others. */
export const wantsSealedAnswer = (request: InboundRequest): boolean =>
  (request.header('accept') ?? '').split(',').some((type) => mediaTypeOf(type) === ANSWER_TYPE);

/** The sealer of the answer that `seal` begins. */
export function answerSealer(seal: SealAnswer): AnswerSealer {
  let begun: SealedAnswer;
  const more = async (bytes: Uint8Array, isFinal: boolean): Promise<Uint8Array> => {
    const frames: Uint8Array[] = [];
    let at = 0;
    do {
      const piece = bytes.subarray(at, at + MAX_CHUNK_BYTES);
      at += piece.length;
      const isLast = isFinal && at === bytes.length;
      const sealed = await begun.chunk(piece, isLast);
      frames.push(encodeFrame(isLast ? FRAME.finalChunk : FRAME.chunk, sealed));
    } while (at < bytes.length);
    if (isFinal) frames.push(encodeFrame(FRAME.end, await begun.end()));
    return concat(frames);
  };
  return {
    more,
    async begin(head, bytes, isFinal) {
      if (head.headers.some(([name]) => name.toLowerCase() === 'trailer'))
        throw xlinkError('ANSWER_NOT_SEALED', { field: 'trailer' });
      const first = bytes.subarray(0, MAX_CHUNK_BYTES);
      const isAll = isFinal && first.length === bytes.length;
      begun = await seal({ ...sealedHead(head), bytes: first }, isAll);
      const frames = [
        encodeFrame(FRAME.head, encodeUtf8(JSON.stringify(begun.envelope))),
        encodeFrame(isAll ? FRAME.finalChunk : FRAME.chunk, begun.payload),
      ];
      const rest = bytes.subarray(first.length);
      if (rest.length > 0) frames.push(await more(rest, isFinal));
      return concat(frames);
    },
  };
}
