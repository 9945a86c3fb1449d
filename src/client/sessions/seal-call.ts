import { concat, EMPTY } from '../../crypto/bytes.js';
import type { CryptoProvider } from '../../crypto/provider.js';
import { MAX_CHUNK_BYTES } from '../../envelope/chunks.js';
import { type Content, framePlaintext } from '../../envelope/plaintext.js';
import { encodeFrames, FRAME, type Frame } from '../../http/answer-frames.js';
import { SESSION_HEADER, SESSION_TYPE } from '../../http/session-headers.js';
import { PlaintextHash } from '../../session/checkpoint/leaf.js';
import { encodeCredential } from '../../session/credential.js';
import { MAX_SEQUENCE, SALT_BYTES } from '../../session/protocol.js';
import { type RequestTie, requestCipher, requestDigest, tagOf } from '../../session/request.js';
import type { MessageCipher } from '../../session/schedule/message-cipher.js';
import { type CallerRequest, isUpload } from '../buffered-request.js';
import { bindingOf, hide, type Sealing, sealableHeaders } from '../seal-request.js';
import type { SentRequest } from './held-checkpoints.js';
import type { HeldSession } from './open-session.js';
import { sealUpload } from './seal-upload.js';

/** A call as it travels in a session. */
export interface SealedCall {
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  /** What the answer is tied to. */
  readonly tie: RequestTie;
  readonly seq: number;
  /** ms since 1970. */
  readonly timestamp: number;
  /** What it was sent with. */
  readonly ticket: Uint8Array;
  /** What is to be signed of it later. */
  readonly sent: SentRequest | undefined;
}

/** Seals a call: body and headers together, in the header of a session if there is no body. */
export async function sealCall(
  crypto: CryptoProvider,
  session: HeldSession,
  request: CallerRequest,
  headers: Headers,
  { agent, scope }: Pick<Sealing, 'agent' | 'scope'>,
): Promise<SealedCall> {
  const { ticket } = session;
  const seq = session.next++;
  const sent = session.checkpoints?.begin(seq);
  const timestamp = await agent.now();
  const head = { ticket, seq, salt: crypto.randomBytes(SALT_BYTES), timestamp, scope };
  const digest = await requestDigest(crypto, session, head, bindingOf(request));
  const cipher = await requestCipher(crypto, session, digest);
  const { fields, sealed: named } = sealableHeaders(request, headers);
  const content = { contentType: headers.get('content-type') ?? '', headers: named };
  const hash = sent && new PlaintextHash(crypto);
  const isSealed = (plaintext: Uint8Array | undefined) => {
    if (sent && plaintext) sent.sealed = { digest, plaintext };
    else if (sent && !sent.sealed) {
      sent.isOver = true; // it broke off: there is nothing that could be signed for it
      session.next = MAX_SEQUENCE;
    }
  };
  const { first, body } = isUpload(request)
    ? await sealUpload(cipher, session.from, content, request.upload, hash, isSealed)
    : await sealBody(cipher, session.from, { ...content, bytes: request.body ?? EMPTY }, hash, isSealed);
  hide(fields, headers);
  const travels = isUpload(request) || request.body ? body : undefined;
  const credential = encodeCredential({ ...head, sealed: travels ? undefined : first });
  if (headers.has('authorization')) headers.set(SESSION_HEADER, credential);
  else headers.set('Authorization', `Xlink-Session ${credential}`);
  if (travels) headers.set('Content-Type', SESSION_TYPE);
  return { headers, body: travels, tie: { digest, tag: tagOf(first) }, seq, timestamp, ticket, sent };
}

/** A body as it travels, and the first chunk of it. */
async function sealBody(
  cipher: MessageCipher,
  from: string,
  content: Content,
  hash: PlaintextHash | undefined,
  isSealed: (plaintext: Uint8Array | undefined) => void,
) {
  const { frames, plaintext } = await sealFrames(cipher, from, content, hash);
  isSealed(plaintext);
  return { first: frames[0]!.bytes, body: new Uint8Array(concat(encodeFrames(frames))) };
}

/** The chunks of what is sealed, each under the same cipher, and the hash of what is in them. */
export async function sealFrames(
  cipher: MessageCipher,
  from: string,
  { bytes: body, contentType, headers }: Content,
  hash: PlaintextHash | undefined,
) {
  const frames: Frame[] = [];
  let plaintext: Uint8Array | undefined;
  for (let at = 0; at === 0 || at < body.length; at += MAX_CHUNK_BYTES) {
    const bytes = body.subarray(at, at + MAX_CHUNK_BYTES);
    const isFinal = at + MAX_CHUNK_BYTES >= body.length;
    const piece = at === 0 ? framePlaintext('request', from, { bytes, contentType, headers }) : bytes;
    plaintext = hash?.more(piece, isFinal);
    const sealed = await (at === 0 ? cipher.sealFirst(piece, isFinal) : cipher.seal(piece, isFinal));
    frames.push({ type: isFinal ? FRAME.finalChunk : FRAME.chunk, bytes: sealed });
  }
  return { frames, plaintext };
}
