import type { AgentCore } from '../agent/agent.js';
import type { InboundRequest } from '../http/decision.js';
import type { PlainAnswer } from '../http/response.js';
import type { AgentMessage } from '../types/types.js';
import { encodeBase64url } from '../util/base64url.js';
import { ENVELOPE_TYPE } from './credentials.js';

/** The payload of a sealed answer. */
export interface SealedAnswer {
  readonly status: number;
  readonly contentType?: string;
  /** base64url; absent for an empty body. */
  readonly body?: string;
}

/** Whether the caller asks for a sealed answer: `Accept: application/xlink-envelope`, alone or among others. */
export const wantsSealedAnswer = (request: InboundRequest): boolean =>
  (request.header('accept') ?? '')
    .split(',')
    .some((type) => type.split(';')[0]!.trim().toLowerCase() === ENVELOPE_TYPE);

/**
 * The answer, encrypted for whoever sent `message` and signed by the API: `inReplyTo` and `request` tie it to this one
 * request. Returns the JSON of the envelope; throws if the sender has no encryption keys on record.
 */
export async function sealAnswer(
  agent: AgentCore,
  message: AgentMessage,
  answer: PlainAnswer,
): Promise<string> {
  const { status, contentType, body } = answer;
  const payload: SealedAnswer = {
    status,
    ...(contentType === undefined ? {} : { contentType }),
    ...(body.length === 0 ? {} : { body: encodeBase64url(body) }),
  };
  return JSON.stringify(await agent.createAnswer(message, payload));
}
