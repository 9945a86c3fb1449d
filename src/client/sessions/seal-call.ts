import { concat, EMPTY } from '../../crypto/bytes.js';
import type { CryptoProvider } from '../../crypto/provider.js';
import { MAX_CHUNK_BYTES } from '../../envelope/chunks.js';
import { framePlaintext } from '../../envelope/plaintext.js';
import { encodeFrames, FRAME, type Frame } from '../../http/answer-frames.js';
import { SESSION_HEADER, SESSION_TYPE } from '../../http/session-headers.js';
import { encodeCredential } from '../../session/credential.js';
import { SALT_BYTES } from '../../session/protocol.js';
import { type RequestTie, requestCipher, requestDigest, tagOf } from '../../session/request.js';
import type { MessageCipher } from '../../session/schedule/message-cipher.js';
import type { BufferedRequest } from '../buffered-request.js';
import { bindingOf, hide, type Sealing, sealableHeaders } from '../seal-request.js';
import type { HeldSession } from './open-session.js';

/** A call as it travels in a session. */
export interface SealedCall {
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  /** What the answer is tied to. */
  readonly tie: RequestTie;
  readonly seq: number;
  /** ms since 1970. */
  readonly timestamp: number;
}

/** Seals a call: body and headers together, in the header of a session if there is no body. */
export async function sealCall(
  crypto: CryptoProvider,
  session: HeldSession,
  buffered: BufferedRequest,
  headers: Headers,
  { agent, scope }: Pick<Sealing, 'agent' | 'scope'>,
): Promise<SealedCall> {
  const seq = session.next++;
  const { body } = buffered;
  const timestamp = await agent.now();
  const head = { ticket: session.ticket, seq, salt: crypto.randomBytes(SALT_BYTES), timestamp, scope };
  const digest = await requestDigest(crypto, session, head, bindingOf(buffered));
  const cipher = await requestCipher(crypto, session, digest);
  const { fields, sealed: named } = sealableHeaders(buffered, headers);
  const contentType = headers.get('content-type') ?? '';
  const frames = await sealFrames(cipher, session.from, contentType, named, body ?? EMPTY);
  const first = frames[0]!.bytes;
  hide(fields, headers);
  const credential = encodeCredential({ ...head, sealed: body ? undefined : first });
  if (headers.has('authorization')) headers.set(SESSION_HEADER, credential);
  else headers.set('Authorization', `Xlink-Session ${credential}`);
  if (body) headers.set('Content-Type', SESSION_TYPE);
  const travels = body && new Uint8Array(concat(encodeFrames(frames)));
  return { headers, body: travels, tie: { digest, tag: tagOf(first) }, seq, timestamp };
}

async function sealFrames(
  cipher: MessageCipher,
  from: string,
  contentType: string,
  headers: Parameters<typeof framePlaintext>[2]['headers'],
  body: Uint8Array,
): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (let at = 0; at === 0 || at < body.length; at += MAX_CHUNK_BYTES) {
    const bytes = body.subarray(at, at + MAX_CHUNK_BYTES);
    const isFinal = at + MAX_CHUNK_BYTES >= body.length;
    const sealed = await (at === 0
      ? cipher.sealFirst(framePlaintext('request', from, { bytes, contentType, headers }), isFinal)
      : cipher.seal(bytes, isFinal));
    frames.push({ type: isFinal ? FRAME.finalChunk : FRAME.chunk, bytes: sealed });
  }
  return frames;
}
