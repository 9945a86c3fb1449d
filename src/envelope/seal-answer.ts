import { concat } from '../crypto/bytes.js';
import { expandMessageKey } from '../crypto/key-schedule.js';
import type { Memory } from '../crypto/provider.js';
import { xlinkError } from '../errors/service-errors.js';
import type { Identity } from '../identity/identity.js';
import type { Envelope } from '../types/protocol.js';
import { Chunks, MAX_CHUNK_BYTES } from './chunks.js';
import { type Content, framePlaintext } from './plaintext.js';
import { agreeOn, type EnvelopeDraft, pqSigner, type RecipientKeys, signEnvelope } from './seal.js';

/** The beginning of an answer, and what seals the rest of it. */
export interface SealedAnswer {
  /** Without its payload. */
  readonly envelope: Envelope;
  /** The commitment and the first chunk. */
  readonly payload: Uint8Array;
  /** Seals the next chunk, of at most {@link MAX_CHUNK_BYTES}. `memory`: where it may go. */
  chunk(bytes: Uint8Array, isFinal: boolean, memory?: Memory): Promise<Uint8Array>;
  /** The signatures over all chunks: they follow the last one where there are several. */
  end(): Promise<Uint8Array>;
}

/** Status, content type and headers of an answer, and the first bytes of its body. */
export type AnswerStart = Content & Required<Pick<Content, 'status' | 'headers'>>;

/** Seals the beginning of an answer for the recipient and signs it. Throws `ANSWER_NOT_SEALED` for headers that are too long. */
export async function sealAnswer(
  identity: Identity,
  recipient: RecipientKeys,
  draft: EnvelopeDraft,
  start: AnswerStart,
  isFinal: boolean,
): Promise<SealedAnswer> {
  const { crypto, did } = identity;
  const { unsigned, header, secret } = await agreeOn(identity, recipient, draft);
  const { label, suite } = unsigned;
  const frame = framePlaintext('answer', did, start);
  if (frame.length - start.bytes.length > MAX_CHUNK_BYTES)
    throw xlinkError('ANSWER_NOT_SEALED', { field: 'headers' });
  const { commitment } = await expandMessageKey(crypto, secret, label, did, draft.to);
  const chunks = await Chunks.of(crypto, unsigned, secret, header);
  const payload = concat([commitment, await chunks.seal(frame, isFinal)]);
  return {
    envelope: await signEnvelope(identity, unsigned, header, payload),
    payload,
    chunk: (content, isLast, memory) => chunks.seal(content, isLast, memory),
    async end() {
      const { transcript, label: context } = chunks.end();
      const signature = await identity.ed25519.sign(transcript);
      return suite.pqSignature
        ? concat([signature, await pqSigner(identity).sign(transcript, context)])
        : signature;
    },
  };
}
