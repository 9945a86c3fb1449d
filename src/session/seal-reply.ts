import { concat } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { MAX_CHUNK_BYTES } from '../envelope/chunks.js';
import { framePlaintext } from '../envelope/plaintext.js';
import { xlinkError } from '../errors/service-errors.js';
import { FRAME } from '../http/answer-frames.js';
import type { SealedStart, SealStart } from '../http/answer-head.js';
import { later } from '../util/awaitable.js';
import { SALT_BYTES } from './protocol.js';
import { answerCipher, type ReplyKind, type RequestTie } from './request.js';
import type { Session } from './schedule/master.js';
import type { MessageCipher } from './schedule/message-cipher.js';

/** What a reply of this kind begins with, in the frame in front of its chunks. */
export const KIND_BYTES: Readonly<Record<ReplyKind, number>> = { answer: 0, refusal: 1 };

/** Seals what is answered to one request of a session: its last chunk says that it is the last, and no signature follows. */
export const sealReply =
  (crypto: CryptoProvider, session: Session, tie: RequestTie, kind: ReplyKind): SealStart =>
  (start, isFinal) => {
    const frame = framePlaintext('answer', session.to, start);
    if (frame.length - start.bytes.length > MAX_CHUNK_BYTES)
      throw xlinkError('ANSWER_NOT_SEALED', { field: 'headers' });
    const salt = crypto.randomBytes(SALT_BYTES);
    return later(answerCipher(crypto, session, tie, kind, salt), (cipher) =>
      later(cipher.sealFirst(frame, isFinal), (payload) => started(cipher, kind, salt, payload)),
    );
  };

/** By itself, so that what seals the rest holds nothing of the first chunk. */
const started = (
  cipher: MessageCipher,
  kind: ReplyKind,
  salt: Uint8Array,
  payload: Uint8Array,
): SealedStart => ({
  head: { type: FRAME.sessionHead, bytes: concat([Uint8Array.of(KIND_BYTES[kind]), salt]) },
  payload,
  chunk: sealerOf(cipher),
});

const sealerOf =
  (cipher: MessageCipher): SealedStart['chunk'] =>
  (bytes, isLast, memory) =>
    cipher.seal(bytes, isLast, memory);
