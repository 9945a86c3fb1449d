import type { CryptoProvider } from '../crypto/provider.js';
import { type Content, isJsonType, unframePlaintext } from '../envelope/plaintext.js';
import { xlinkError } from '../errors/service-errors.js';
import { FRAME, FrameReader } from '../http/answer-frames.js';
import type { BodySource, StreamedContent } from '../http/body-source.js';
import { chunkPace } from './frame-rules.js';
import type { OpenedRequest } from './open-request.js';
import { requestCipher, tagOf } from './request.js';
import type { Session } from './schedule/master.js';
import type { MessageCipher } from './schedule/message-cipher.js';

/** A request whose first chunk was opened. */
export interface OpenedStream extends OpenedRequest {
  /** All of its content, that of the first chunk included. */
  readonly stream: StreamedContent;
}

const unauthentic = () => xlinkError('SESSION_AUTHENTICATION_FAILED');
const malformed = () => xlinkError('SESSION_MALFORMED', { field: 'body' });

/**
 * Opens the first chunk of a body that is still coming; the others open as they are read. `undefined`: it is better read whole, as
 * there is no more of it, or it is JSON, which handlers are shown parsed. Throws `SESSION_AUTHENTICATION_FAILED`, `DECRYPT_FAILED:…`.
 */
export async function openStream(
  crypto: CryptoProvider,
  session: Session,
  digest: Uint8Array,
  source: BodySource,
): Promise<OpenedStream | undefined> {
  let size = 0;
  const frames = new FrameReader(async () => {
    const bytes = await source.next();
    size += bytes?.length ?? 0;
    return bytes;
  });
  const first = await frames.next();
  if (typeof first !== 'object' || first.type !== FRAME.chunk) return undefined; // who reads all of it says what is wrong
  const cipher = await requestCipher(crypto, session, digest);
  const plaintext = await cipher.openFirst(first.bytes, false);
  if (!plaintext) throw unauthentic();
  const content: Content = unframePlaintext('request', session.from, plaintext);
  if (isJsonType(content.contentType)) return undefined;
  const pieces = opened(content.bytes, cipher, frames, () => size);
  return { content, tag: tagOf(first.bytes), stream: { contentType: content.contentType, pieces } };
}

async function* opened(
  first: Uint8Array,
  cipher: MessageCipher,
  frames: FrameReader,
  size: () => number,
): AsyncGenerator<Uint8Array> {
  const mayCome = chunkPace();
  yield first;
  for (let isFinal = false; !isFinal; ) {
    const frame = await frames.next();
    if (frame === undefined || frame === 'broken') throw xlinkError('BODY_ABORTED');
    if (frame === 'malformed' || (frame.type !== FRAME.chunk && frame.type !== FRAME.finalChunk))
      throw malformed();
    if (!mayCome(size())) throw malformed();
    isFinal = frame.type === FRAME.finalChunk;
    const bytes = await cipher.open(frame.bytes, isFinal);
    if (!bytes) throw unauthentic();
    yield bytes;
  }
  if ((await frames.next()) !== undefined) throw malformed();
}
