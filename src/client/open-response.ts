import type { BaseAgent } from '../agent/agent.js';
import type { Service } from '../discovery/discover.js';
import { isXlinkError, xlinkError } from '../errors/errors.js';
import { ENVELOPE_TYPE, mediaTypeOf, PROBLEM_TYPE } from '../http/media-type.js';
import { problemId } from '../http/problem.js';
import { readAtMost } from '../http/read-body.js';
import { type SealedResponse, sealedStatus } from '../http/sealed-response.js';
import type { AgentMessage } from '../types/protocol.js';
import { decodeBase64url } from '../util/base64url.js';
import { type Exchanged, rebuild, SEALED_HEADER } from './response.js';
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
 * Opens a sealed answer, or reads a signed refusal: encrypted for this agent or signed only, by the service, in reply to this
 * one request, and of the status it came with. Status, content type and body are what the service sealed; other headers
 * are as they came and are not verified. Throws `ANSWER_INVALID…`.
 */
export async function openResponse(
  response: Response,
  request: SealedRequest,
  { agent, service, maxBytes }: { agent: BaseAgent; service: Service; maxBytes: number },
): Promise<Exchanged> {
  const tooLarge = () => xlinkError('ANSWER_INVALID:TOO_LARGE');
  const bytes = await readAtMost(response, maxBytes, tooLarge);
  const reply = { request: request.binding, requireRequestBinding: true, inReplyTo: request.nonce };
  const answer = await agent.receiveContent(bytes, reply);
  const received =
    !answer.ok && answer.error.id === 'KIND_NOT_ACCEPTED'
      ? await agent.receiveContent(bytes, { ...reply, kind: 'refusal', allowCleartext: true })
      : answer;
  if (!received.ok) {
    const { error } = received;
    if (error.id === 'ENVELOPE_TOO_LARGE') throw tooLarge();
    throw isXlinkError(error) && error.code === 'ANSWER_INVALID'
      ? error
      : xlinkError('ANSWER_INVALID', { cause: error });
  }
  const { message, content } = received.value;
  if (message.sender !== service.did) throw invalid('from');
  if (message.kind === 'refusal') return signedRefusal(response, message, content!);
  const { status, contentType, body } = checkPayload(message.payload);
  if (response.status !== sealedStatus(status)) throw invalid('status');
  return { response: rebuildOpened(response, body, contentType, status), verified: true };
}

/** The problem document that the service signed. */
function signedRefusal(
  response: Response,
  { payload, timestamp }: AgentMessage,
  content: Uint8Array,
): Exchanged {
  const { status, code, subCode } = (payload ?? {}) as {
    status?: unknown;
    code?: unknown;
    subCode?: unknown;
  };
  const id = problemId({ code, subCode });
  if (id === undefined || status !== response.status) throw invalid('status');
  const body = new Uint8Array(content);
  const opened = rebuildOpened(response, body, PROBLEM_TYPE, response.status, 'signed');
  return { response: opened, verified: true, refusal: { id, timestamp } };
}

function rebuildOpened(
  response: Response,
  body: Uint8Array<ArrayBuffer> | null,
  contentType: string | undefined,
  status: number,
  mark = 'true',
): Response {
  const headers = new Headers(response.headers);
  for (const name of ABOUT_THE_ENVELOPE) headers.delete(name);
  if (contentType !== undefined) headers.set('content-type', contentType);
  headers.set(SEALED_HEADER, mark);
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
