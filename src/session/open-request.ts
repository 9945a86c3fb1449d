import { concat } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { type Content, unframePlaintext } from '../envelope/plaintext.js';
import { xlinkError } from '../errors/service-errors.js';
import { FRAME, type Frame, framesIn } from '../http/answer-frames.js';
import type { Credential } from './credential.js';
import { requestCipher, tagOf } from './request.js';
import type { Session } from './schedule/master.js';

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
export async function openRequest(
  crypto: CryptoProvider,
  session: Session,
  digest: Uint8Array,
  { sealed }: Pick<Credential, 'sealed'>,
  body: Uint8Array,
): Promise<OpenedRequest> {
  const frames = sealed ? [{ type: FRAME.finalChunk, bytes: sealed }] : framesOf(body);
  if (sealed && body.length > 0) throw xlinkError('SESSION_MALFORMED', { field: 'body' });
  const cipher = await requestCipher(crypto, session, digest);
  const contents: Uint8Array[] = [];
  for (const [at, { type, bytes }] of frames.entries()) {
    const isFinal = type === FRAME.finalChunk;
    const content = await (at === 0 ? cipher.openFirst(bytes, isFinal) : cipher.open(bytes, isFinal));
    if (!content) throw unauthentic();
    contents.push(content);
  }
  const { bytes: first, ...rest } = unframePlaintext('request', session.from, contents[0]!);
  const bytes = contents.length === 1 ? first : concat([first, ...contents.slice(1)]);
  return { content: { ...rest, bytes }, tag: tagOf(frames[0]!.bytes) };
}

/** Each chunk costs the service a call of its cipher, so their number is bounded by the bytes that their sender had to send. */
const FREE_CHUNKS = 16;
const BYTES_PER_CHUNK = 16_384;

/** One final chunk, behind others. */
function framesOf(body: Uint8Array): readonly Frame[] {
  const frames = framesIn(body);
  const isWhole =
    frames &&
    frames.length > 0 &&
    frames.length <= FREE_CHUNKS + body.length / BYTES_PER_CHUNK &&
    frames.every(({ type }, at) => type === (at === frames.length - 1 ? FRAME.finalChunk : FRAME.chunk));
  if (!isWhole) throw xlinkError('SESSION_MALFORMED', { field: 'body' });
  return frames;
}
