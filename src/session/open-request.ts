import { concat } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { type Content, unframePlaintext } from '../envelope/plaintext.js';
import { xlinkError } from '../errors/service-errors.js';
import { FRAME, type Frame, framesIn } from '../http/answer-frames.js';
import { type Awaitable, later } from '../util/awaitable.js';
import type { Credential } from './credential.js';
import { mayBeInChunks } from './frame-rules.js';
import type { SessionKind } from './protocol.js';
import { requestCipher, tagOf } from './request.js';
import type { Session } from './schedule/master.js';
import type { MessageCipher } from './schedule/message-cipher.js';

/** What a request held, and the tag of its first chunk. */
export interface OpenedRequest {
  readonly content: Content;
  readonly tag: Uint8Array;
}

const unauthentic = () => xlinkError('SESSION_AUTHENTICATION_FAILED');

/**
 * Opens what is sealed of a request: behind its header, or in the chunks of its body. Throws `SESSION_MALFORMED`, and
 * `SESSION_AUTHENTICATION_FAILED` for what was not sealed in this session for this very request.
 */
export function openRequest(
  crypto: CryptoProvider,
  session: Session,
  digest: Uint8Array,
  { sealed }: Pick<Credential, 'sealed'>,
  body: Uint8Array,
  kind: SessionKind = 'request',
): Awaitable<OpenedRequest> {
  const [first, ...others] = sealed ? [{ type: FRAME.finalChunk, bytes: sealed }] : framesOf(body);
  if (sealed && body.length > 0) throw xlinkError('SESSION_MALFORMED', { field: 'body' });
  return later(requestCipher(crypto, session, digest, kind), (cipher) =>
    later(cipher.openFirst(first!.bytes, others.length === 0), (plaintext) => {
      if (!plaintext) throw unauthentic();
      const { bytes, ...rest } = unframePlaintext('request', session.from, plaintext);
      const opened = (all: Uint8Array) => ({ content: { ...rest, bytes: all }, tag: tagOf(first!.bytes) });
      return others.length === 0 ? opened(bytes) : openOthers(cipher, bytes, others).then(opened);
    }),
  );
}

/** All bytes, once the chunks behind the first are opened, too. */
async function openOthers(
  cipher: MessageCipher,
  first: Uint8Array,
  others: readonly Frame[],
): Promise<Uint8Array> {
  const contents = [first];
  for (const { type, bytes } of others) {
    const content = await cipher.open(bytes, type === FRAME.finalChunk);
    if (!content) throw unauthentic();
    contents.push(content);
  }
  return concat(contents);
}

/** One final chunk, behind others. */
function framesOf(body: Uint8Array): readonly Frame[] {
  const frames = framesIn(body);
  const isWhole =
    frames &&
    frames.length > 0 &&
    mayBeInChunks(frames.length, body.length) &&
    frames.every(({ type }, at) => type === (at === frames.length - 1 ? FRAME.finalChunk : FRAME.chunk));
  if (!isWhole) throw xlinkError('SESSION_MALFORMED', { field: 'body' });
  return frames;
}
