import type { BaseAgent } from '../agent/agent.js';
import type { RequestIdentity, RequestOptions } from '../agent/request.js';
import type { Service } from '../discovery/discover.js';
import { encodeEnvelope } from '../envelope/flat-json.js';
import type { Header } from '../envelope/plaintext.js';
import { coveredFields, READABLE_BESIDE } from '../http/covered-fields.js';
import type { PlatformBody } from '../http/fetch.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import { requestBinding, targetOf } from '../http/request-binding.js';
import type { Envelope, Scope, Version } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { given } from '../util/given.js';
import type { BufferedRequest, CallerRequest } from './buffered-request.js';

/** A request with its envelope, ready to be sent once. */
export interface SealedRequest {
  readonly headers: Headers;
  readonly body: PlatformBody | undefined;
  /** What the answer must be bound to. */
  readonly binding: string;
  /** What the answer must be in reply to. */
  readonly nonce: string;
  /** For another form of the same request. */
  readonly identity: RequestIdentity;
}

/** Whom something is sealed for: a service that was discovered, or an agent. */
export type Callee = Pick<Service, 'did' | 'versions' | 'endpoints'>;

export interface CalleeSealing {
  readonly agent: BaseAgent;
  readonly service: Callee;
  readonly scope: Scope;
  readonly version: Version | undefined;
}

export interface Sealing extends CalleeSealing {
  readonly service: Service;
}

export const bindingOf = ({ method, url }: CallerRequest): string => requestBinding(method, targetOf(url));

/** The headers of a request that are sealed, `accept` as the caller said it; `fields`: without that. */
export function sealableHeaders({ request }: CallerRequest, headers: Headers) {
  const accept = request.headers.get('accept');
  const fields = coveredFields(headers).filter(([name]) => name !== 'accept');
  return { fields, sealed: accept === null ? fields : [['accept', accept] as Header, ...fields] };
}

/** Takes off the wire what is sealed, but for what those on the way read. */
export function hide(fields: readonly Header[], headers: Headers): void {
  for (const [name] of fields) if (!READABLE_BESIDE.has(name)) headers.delete(name);
}

/**
 * A body is sealed as it is, together with the headers that the caller set. Without a body there is nothing to hide but
 * the headers, which are signed. `identity`: that of an earlier form of the same request.
 */
export async function sealRequest(
  buffered: BufferedRequest,
  headers: Headers,
  sealing: CalleeSealing,
  identity?: RequestIdentity,
): Promise<SealedRequest> {
  const { body } = buffered;
  if (!body) return signRequest(buffered, headers, sealing, headers.has('authorization'), identity);
  const request = bindingOf(buffered);
  const { fields, sealed } = sealableHeaders(buffered, headers);
  const envelope = await envelopeFor(sealing, {
    request,
    content: body,
    ...contentTypeOf(headers),
    headers: sealed,
    ...given({ identity }),
  });
  hide(fields, headers);
  headers.set('Content-Type', ENVELOPE_TYPE);
  return { headers, body: JSON.stringify(envelope), ...replyTo(envelope, request) };
}

/**
 * The envelope speaks for the request from a header, and leaves the body as it is. The header is `Authorization`, or
 * `Xlink-Envelope` where that is taken.
 */
export async function signRequest(
  buffered: BufferedRequest,
  headers: Headers,
  sealing: CalleeSealing,
  taken = headers.has('authorization'),
  identity?: RequestIdentity,
): Promise<SealedRequest> {
  const request = bindingOf(buffered);
  const { body } = buffered;
  const envelope = await envelopeFor(sealing, {
    request,
    signedOnly: true,
    headers: [...headers],
    ...given({ identity }),
    ...(body ? { content: body, ...contentTypeOf(headers) } : {}),
  });
  const text = encodeBase64url(encodeEnvelope(envelope));
  if (taken) headers.set('Xlink-Envelope', text);
  else headers.set('Authorization', `Xlink ${text}`);
  return { headers, body, ...replyTo(envelope, request) };
}

const replyTo = ({ nonce, timestamp }: Envelope, binding: string) => ({
  binding,
  nonce,
  identity: { nonce: decodeBase64url(nonce)!, timestamp },
});

function contentTypeOf(headers: Headers): { readonly contentType?: string } {
  const contentType = headers.get('content-type');
  return contentType === null ? {} : { contentType };
}

const envelopeFor = (
  { agent, service, scope, version }: CalleeSealing,
  options: Omit<RequestOptions, 'to'> & { readonly headers: readonly Header[] },
): Promise<Envelope> => agent.createRequest({ ...options, to: service.did, scope, ...given({ version }) });
