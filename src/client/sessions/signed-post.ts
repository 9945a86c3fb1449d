import type { CryptoProvider } from '../../crypto/provider.js';
import { parseEnvelope } from '../../envelope/parse.js';
import { headerTranscript, signatureTranscript } from '../../envelope/transcript.js';
import { xlinkError } from '../../errors/errors.js';
import { DIRECT } from '../../http/fetch.js';
import { ANSWER_TYPE } from '../../http/media-type.js';
import type { Did, Scope } from '../../types/protocol.js';
import { encodeUtf8 } from '../../util/utf8.js';
import type { BufferedRequest } from '../buffered-request.js';
import { openResponse } from '../open-response.js';
import { type CalleeSealing, sealRequest } from '../seal-request.js';

/** With whom a session is opened or signed, and by what. */
export interface SignedPostParts extends Pick<CalleeSealing, 'agent' | 'service' | 'version'> {
  readonly fetch: typeof fetch;
  /** What a caller said to `fetch`, for which this is done. */
  readonly init: RequestInit;
}

export interface SignedPost {
  readonly url: URL;
  readonly scope: Scope;
  /** What is sent, sealed: text of JSON. */
  readonly content: string;
}

/** What the service answered, and signed. */
export interface SignedReply {
  /** JSON. */
  readonly value: unknown;
  readonly from: Did;
  readonly to: Did;
  /** What the signatures of the envelope that was sent cover. */
  readonly transcript: Uint8Array;
}

/** Answers of these routes are short. Bytes. */
const MAX_BYTES = 65_536;

/** Sends an envelope to a route of the library itself. Throws `ANSWER_INVALID`, with the status as `field` if that is what is wrong. */
export async function signedPost(
  crypto: CryptoProvider,
  { agent, service, version, fetch: fetch_, init }: SignedPostParts,
  { url, scope, content }: SignedPost,
  signal: AbortSignal,
): Promise<SignedReply> {
  const asked = postOf(url, encodeUtf8(content), signal);
  const headers = new Headers({ Accept: ANSWER_TYPE, 'Content-Type': 'application/json' });
  const sealed = await sealRequest(asked, headers, { agent, service, version, scope });
  const response = await fetch_(url.href, {
    ...init,
    ...DIRECT,
    method: 'POST',
    headers: sealed.headers,
    body: sealed.body!,
    signal,
  });
  if (response.status >= 500 || response.status === 429)
    throw xlinkError('NETWORK_ERROR', { cause: new Error(`HTTP status ${response.status}`) });
  const opening = { agent, service, signal, maxBytes: MAX_BYTES };
  const { response: opened, refusal } = await openResponse(response, sealed, opening);
  if (opened.status !== 200 || refusal) throw xlinkError('ANSWER_INVALID', { field: 'status' });
  const envelope = parseEnvelope(sealed.body);
  const transcript = await signatureTranscript(crypto, envelope, headerTranscript(envelope));
  const { from, to } = envelope.fields;
  return { value: await opened.json(), from, to, transcript };
}

/** What is sealed like a call, and is none. */
const postOf = (url: URL, body: Uint8Array, signal: AbortSignal): BufferedRequest => ({
  request: new Request(url, { method: 'POST' }),
  carrier: undefined,
  url,
  method: 'POST',
  body: new Uint8Array(body),
  signal,
  init: {},
  takesPlain: false,
});
