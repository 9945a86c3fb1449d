import type { BaseAgent } from '../agent/agent.js';
import type { Service } from '../discovery/discover.js';
import { isXlinkError, xlinkError } from '../errors/errors.js';
import { ENVELOPE_TYPE, mediaTypeOf } from '../http/media-type.js';
import { readAtMost } from '../http/read-body.js';
import { type SealedResponse, sealedStatus } from '../http/sealed-response.js';
import { decodeBase64url } from '../util/base64url.js';
import { rebuild, SEALED_HEADER } from './response.js';
import type { SealedRequest } from './seal-request.js';

/** Headers that describe the envelope, or claim something about the body that was not signed. */
const ABOUT_THE_ENVELOPE = [
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'content-range',
  'content-digest',
  'repr-digest',
  'etag',
];

const invalid = (field: string) => xlinkError('ANSWER_INVALID', { field });

export const isSealed = (response: Response): boolean =>
  mediaTypeOf(response.headers.get('content-type')) === ENVELOPE_TYPE;

/**
 * Opens a sealed answer: encrypted for this agent, signed by the service, in reply to this one request, and of the status
 * it came with. Status, content type and body are what the service sealed; other headers are as they came and are
 * not verified. Throws `ANSWER_INVALID…`.
 */
export async function openResponse(
  response: Response,
  request: SealedRequest,
  { agent, service, maxBytes }: { agent: BaseAgent; service: Service; maxBytes: number },
): Promise<Response> {
  const tooLarge = () => xlinkError('ANSWER_INVALID:TOO_LARGE');
  const bytes = await readAtMost(response, maxBytes, tooLarge);
  const received = await agent.receive(bytes, {
    request: request.binding,
    requireRequestBinding: true,
    inReplyTo: request.nonce,
  });
  if (!received.ok) {
    const { error } = received;
    if (error.id === 'ENVELOPE_TOO_LARGE') throw tooLarge();
    throw isXlinkError(error) && error.code === 'ANSWER_INVALID'
      ? error
      : xlinkError('ANSWER_INVALID', { cause: error });
  }
  const { sender, payload } = received.value;
  if (sender !== service.did) throw invalid('from');
  const { status, contentType, body } = checkPayload(payload);
  if (response.status !== sealedStatus(status)) throw invalid('status');
  const headers = new Headers(response.headers);
  for (const name of ABOUT_THE_ENVELOPE) headers.delete(name);
  if (contentType !== undefined) headers.set('content-type', contentType);
  headers.set(SEALED_HEADER, 'true');
  return rebuild(response, body, headers, status);
}

interface OpenedResponse {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: Uint8Array<ArrayBuffer> | null;
}

function checkPayload(payload: unknown): OpenedResponse {
  const { status, contentType, body } = (payload ?? {}) as Partial<Record<keyof SealedResponse, unknown>>;
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599)
    throw invalid('status');
  if (contentType !== undefined && !isHeaderValue(contentType)) throw invalid('contentType');
  const bytes = typeof body === 'string' ? decodeBase64url(body) : undefined;
  if (body !== undefined && !bytes) throw invalid('body');
  return { status: status as number, contentType, body: bytes ? new Uint8Array(bytes) : null };
}

const isHeaderValue = (value: unknown): value is string =>
  typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
