import { encodeEnvelope } from '../envelope/flat-json.js';
import { coveredFields, READABLE_BESIDE } from '../http/covered-fields.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import { requestBinding } from '../http/request-binding.js';
import { encodeBase64url } from '../util/base64url.js';
import { encodeUtf8 } from '../util/utf8.js';
import { signatureHeaders } from './http-signature.js';
import type { Draft, Signing } from './signing.js';

/** A request as a test writes it. */
export interface PlainRequest {
  /** Default `GET`, or `POST` where there is a body. */
  readonly method?: string;
  /** Path and query, such as `/orders?limit=5`. */
  readonly url: string;
  /** Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Text or bytes as they are; anything else goes as JSON. Default none. */
  readonly body?: unknown;
}

/** The same as it goes over the wire: what `app.inject()` of Fastify, `inject` of light-my-request, and `fetch` take. */
export interface WireRequest {
  /** In capitals. */
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Record<string, string>;
  /** Absent if the request has none. */
  readonly body?: string | Buffer;
}

/** Signs a request, or seals it. */
export async function onTheWire(request: PlainRequest, signing: Signing): Promise<WireRequest> {
  const draft = draftOf(request);
  const { method, url, headers, content } = draft;
  if (signing.form === 'signature') {
    for (const [name, value] of await signatureHeaders(draft, signing)) headers.set(name, value);
  } else if (signing.form === 'sealed' && content) {
    return { method, url, ...(await sealed(draft, signing)) };
  } else {
    const envelope = await envelopeOf(draft, signing, [...headers], true);
    const text = encodeBase64url(encodeEnvelope(envelope));
    if (headers.has('authorization')) headers.set('Xlink-Envelope', text);
    else headers.set('Authorization', `Xlink ${text}`);
  }
  return {
    method,
    url,
    headers: Object.fromEntries(headers),
    ...(content ? { body: Buffer.from(content) } : {}),
  };
}

function draftOf({ url, body, method = body === undefined ? 'GET' : 'POST', ...rest }: PlainRequest): Draft {
  const headers = new Headers(rest.headers);
  const isJson = body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array);
  if (isJson && !headers.has('content-type')) headers.set('Content-Type', 'application/json');
  const text = isJson ? JSON.stringify(body) : (body as string | Uint8Array | undefined);
  const content = typeof text === 'string' ? encodeUtf8(text) : text;
  headers.delete('content-length'); // that of the wire is another one
  return { method: method.toUpperCase(), url, headers, content: content?.length ? content : undefined };
}

async function sealed(draft: Draft, signing: Signing) {
  const { headers } = draft;
  const fields = coveredFields(headers);
  const envelope = await envelopeOf(draft, signing, fields, false);
  for (const [name] of fields) if (!READABLE_BESIDE.has(name)) headers.delete(name);
  headers.set('Content-Type', ENVELOPE_TYPE);
  return { headers: Object.fromEntries(headers), body: JSON.stringify(envelope) };
}

function envelopeOf(
  { method, url, headers, content }: Draft,
  { caller, service, scope }: Signing,
  fields: readonly (readonly [string, string])[],
  signedOnly: boolean,
) {
  const contentType = headers.get('content-type');
  return caller.agent.createRequest({
    to: service,
    scope,
    request: requestBinding(method, url),
    headers: fields,
    ...(signedOnly ? { signedOnly } : {}),
    ...(content ? { content, ...(contentType === null ? {} : { contentType }) } : {}),
  });
}
