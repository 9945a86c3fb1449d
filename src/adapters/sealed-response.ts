import type { BaseAgent } from '../agent/agent.js';
import type { InboundRequest } from '../http/decision.js';
import { ENVELOPE_TYPE, mediaTypeOf } from '../http/media-type.js';
import type { PlainResponse } from '../http/response.js';
import type { SealedResponse } from '../http/sealed-response.js';
import type { AgentMessage } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';

/** Whether the caller asks for a sealed answer: `Accept: application/xlink-envelope`, alone or among others. */
export const wantsSealedResponse = (request: InboundRequest): boolean =>
  (request.header('accept') ?? '').split(',').some((type) => mediaTypeOf(type) === ENVELOPE_TYPE);

/**
 * The answer, encrypted for the sender of `message` and signed by the API: `inReplyTo` and `request` tie it to this one
 * request. Returns the JSON of the envelope; throws if the sender has no encryption keys on record.
 */
export async function sealResponse(
  agent: BaseAgent,
  message: AgentMessage,
  answer: PlainResponse,
): Promise<string> {
  const { status, contentType, body } = answer;
  const payload: SealedResponse = {
    status,
    ...(contentType === undefined ? {} : { contentType }),
    ...(body.length === 0 ? {} : { body: encodeBase64url(body) }),
  };
  return JSON.stringify(await agent.createAnswer(message, payload));
}
