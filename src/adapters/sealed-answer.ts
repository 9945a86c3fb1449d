import type { SealAnswer } from '../agent/answer.js';
import { MAX_CHUNK_BYTES } from '../envelope/chunks.js';
import { xlinkError } from '../errors/service-errors.js';
import { encodeFrames, FRAME, type Frame } from '../http/answer-frames.js';
import {
  type AnswerSealer,
  type BegunAnswer,
  outerHead,
  type SealedStart,
  type SealStart,
  sealedHead,
} from '../http/answer-head.js';
import type { InboundRequest } from '../http/decision.js';
import { ANSWER_TYPE, mediaTypeOf } from '../http/media-type.js';
import { type Awaitable, later } from '../util/awaitable.js';
import { ReusedMemory } from '../util/reused-memory.js';
import { encodeUtf8 } from '../util/utf8.js';

/** Whether the caller asks for a sealed answer: `Accept: application/xlink-answer`, alone or among others. */
export const wantsSealedAnswer = (request: InboundRequest): boolean =>
  (request.header('accept') ?? '').split(',').some((type) => mediaTypeOf(type) === ANSWER_TYPE);

/** The beginning of an answer that is an envelope of its own. */
export const inEnvelope =
  (seal: SealAnswer): SealStart =>
  async (start, isFinal) => {
    const { envelope, ...sealed } = await seal(start, isFinal);
    return { ...sealed, head: { type: FRAME.head, bytes: encodeUtf8(JSON.stringify(envelope)) } };
  };

/** The sealer of the answer that `seal` begins: at once where that does. */
export function answerSealer(seal: SealStart): AnswerSealer {
  let begun: Pick<SealedStart, 'chunk' | 'end'>;
  const memory = new ReusedMemory();
  const chunks = async (bytes: Uint8Array, isFinal: boolean): Promise<Frame[]> => {
    const frames: Frame[] = [];
    let at = 0;
    do {
      const piece = bytes.subarray(at, at + MAX_CHUNK_BYTES);
      at += piece.length;
      const isLast = isFinal && at === bytes.length;
      const sealed = await begun.chunk(piece, isLast, memory.take);
      frames.push({ type: isLast ? FRAME.finalChunk : FRAME.chunk, bytes: sealed });
    } while (at < bytes.length);
    if (isFinal && begun.end) frames.push({ type: FRAME.end, bytes: await begun.end() });
    return frames;
  };
  return {
    reuse: (parts) => parts.forEach(memory.give),
    more: async (bytes, isFinal) => encodeFrames(await chunks(bytes, isFinal)),
    begin(head, bytes, isFinal): Awaitable<BegunAnswer> {
      if (head.headers.some(([name]) => name.toLowerCase() === 'trailer'))
        throw xlinkError('ANSWER_NOT_SEALED', { field: 'trailer' });
      const first = bytes.subarray(0, MAX_CHUNK_BYTES);
      const isAll = isFinal && first.length === bytes.length;
      const { status, contentType, headers } = sealedHead(head);
      return later(seal({ status, contentType, headers, bytes: first }, isAll), (started) => {
        begun = { chunk: started.chunk, ...(started.end ? { end: started.end } : {}) };
        const type = isAll ? FRAME.finalChunk : FRAME.chunk;
        const frames = [started.head, { type, bytes: started.payload }];
        const answer = (more: readonly Frame[]) => ({
          head: outerHead(head),
          parts: encodeFrames([...frames, ...more]),
        });
        return first.length < bytes.length
          ? chunks(bytes.subarray(first.length), isFinal).then(answer)
          : answer([]);
      });
    },
  };
}
