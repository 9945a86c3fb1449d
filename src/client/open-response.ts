import { xlinkError } from '../errors/errors.js';
import { ANSWER_TYPE, ENVELOPE_TYPE, mediaTypeOf, PROBLEM_TYPE } from '../http/media-type.js';
import { problemId } from '../http/problem.js';
import { readAtMost } from '../http/read-body.js';
import { openAnswer } from './open-answer.js';
import type { Opening } from './opening.js';
import { type Exchanged, MAX_PLAIN_BYTES, rebuild, SEALED_HEADER } from './response.js';
import type { SealedRequest } from './seal-request.js';

const typeOf = (response: Response): string => mediaTypeOf(response.headers.get('content-type'));

/** Whether somebody says that the service sealed it, or signed it. */
export const isSealed = (response: Response): boolean =>
  [ANSWER_TYPE, ENVELOPE_TYPE].includes(typeOf(response));

/** Opens a sealed answer, or reads a signed refusal. Throws `ANSWER_INVALID…`. */
export const openResponse = (
  response: Response,
  request: SealedRequest,
  opening: Opening,
): Promise<Exchanged> =>
  typeOf(response) === ANSWER_TYPE
    ? openAnswer(response, request, opening)
    : openRefusal(response, request, opening);

/** The problem document that the service signed, in reply to this one request, and of the status it came with. */
async function openRefusal(
  response: Response,
  { binding, nonce }: SealedRequest,
  { agent, service }: Opening,
): Promise<Exchanged> {
  const arrivedAt = await agent.now();
  const bytes = await readAtMost(response, MAX_PLAIN_BYTES, () => xlinkError('ANSWER_INVALID:TOO_LARGE'));
  const rules = { request: binding, requireRequestBinding: true, inReplyTo: nonce, arrivedAt } as const;
  const received = await agent.receiveContent(bytes, { ...rules, kind: 'refusal', allowCleartext: true });
  if (!received.ok) throw xlinkError('ANSWER_INVALID', { cause: received.error });
  const { message, content } = received.value;
  if (message.sender !== service.did) throw xlinkError('ANSWER_INVALID', { field: 'from' });
  const { status, code, subCode } = (message.payload ?? {}) as Record<string, unknown>;
  const id = problemId({ code, subCode });
  if (id === undefined || status !== response.status) throw xlinkError('ANSWER_INVALID', { field: 'status' });
  const headers = new Headers(response.headers);
  for (const name of ABOUT_THE_ENVELOPE) headers.delete(name);
  headers.set('content-type', PROBLEM_TYPE);
  headers.set(SEALED_HEADER, 'signed');
  const opened = rebuild(response, new Uint8Array(content!), headers);
  return { response: opened, verified: true, refusal: { id, timestamp: message.timestamp } };
}

/** Headers that describe the envelope, or claim something about the body that was not signed. */
const ABOUT_THE_ENVELOPE = [
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'content-range',
  'content-digest',
  'repr-digest',
  'etag',
];
