import type { BaseAgent } from '../agent/agent.js';
import type { Service } from '../discovery/discover.js';
import { isContentType } from '../envelope/fields.js';
import { encodeEnvelope } from '../envelope/flat-json.js';
import { xlinkError } from '../errors/errors.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import { requestBinding } from '../http/request-binding.js';
import type { Envelope, Scope, Version } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';
import type { BufferedRequest } from './buffered-request.js';
import { jsonBody } from './json-body.js';

/** A request with its envelope, ready to be sent once. */
export interface SealedRequest {
  readonly headers: Headers;
  readonly body: BodyInit | undefined;
  /** What the answer must be bound to. */
  readonly binding: string;
  /** What the answer must be in reply to. */
  readonly nonce: string;
}

export interface Sealing {
  readonly agent: BaseAgent;
  readonly service: Service;
  readonly scope: Scope;
  readonly version: Version | undefined;
}

const bindingOf = ({ method, url }: BufferedRequest): string =>
  requestBinding(method, url.pathname + url.search);

/** JSON is sealed and becomes the body; any other body stays as it is, and its digest is signed in a header. */
export async function sealRequest(
  buffered: BufferedRequest,
  headers: Headers,
  sealing: Sealing,
): Promise<SealedRequest> {
  const json = buffered.body && jsonBody(buffered.body, headers.get('content-type'));
  if (!json) return signRequest(buffered, headers, sealing);
  const request = bindingOf(buffered);
  const envelope = await envelopeFor(sealing, { request, payload: json.value });
  headers.set('Content-Type', ENVELOPE_TYPE);
  return { headers, body: JSON.stringify(envelope), binding: request, nonce: envelope.nonce };
}

/**
 * The envelope speaks for the request from a header, and leaves the body as it is. The header is `Authorization`, or
 * `Xlink-Envelope` where that is taken.
 */
export async function signRequest(
  buffered: BufferedRequest,
  headers: Headers,
  sealing: Sealing,
  taken = headers.has('authorization'),
): Promise<SealedRequest> {
  const request = bindingOf(buffered);
  const { body } = buffered;
  const contentType = headers.get('content-type');
  if (body && contentType !== null && !isContentType(contentType))
    throw xlinkError('REQUEST_BODY_UNSUPPORTED', {
      field: 'content-type',
      hint: 'Content-Type must be printable ASCII without quotes and backslashes to be signed.',
    });
  const envelope = await envelopeFor(sealing, {
    request,
    signedOnly: true,
    ...(body ? { content: body } : {}),
    ...(body && contentType !== null ? { contentType } : {}),
  });
  const text = encodeBase64url(encodeEnvelope(envelope));
  if (taken) headers.set('Xlink-Envelope', text);
  else headers.set('Authorization', `Xlink ${text}`);
  return { headers, body, binding: request, nonce: envelope.nonce };
}

const envelopeFor = (
  { agent, service, scope, version }: Sealing,
  options: Omit<Parameters<BaseAgent['createEnvelope']>[0], 'to'>,
): Promise<Envelope> =>
  agent.createEnvelope({ ...options, to: service.did, scope, ...(version === undefined ? {} : { version }) });
