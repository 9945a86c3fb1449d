import type { Received } from '../agent/receive.js';
import type { ServiceAgent } from '../agent/service-agent.js';
import { EMPTY } from '../crypto/bytes.js';
import { MAX_CHUNK_BYTES } from '../envelope/chunks.js';
import { xlinkError } from '../errors/service-errors.js';
import type { BodySource } from '../http/body-source.js';
import type { InboundRequest } from '../http/decision.js';
import { mediaTypeOf } from '../http/media-type.js';
import { requestBinding } from '../http/request-binding.js';
import { SESSION_TYPE } from '../http/session-headers.js';
import { receiveInSession, type SessionHearing, type SessionRequest } from '../session/receive.js';
import { receiveMessage } from '../session/receive-message.js';
import type { Sessions } from '../session/sessions.js';
import { type Awaitable, later } from '../util/awaitable.js';
import { sessionCredential } from './credentials.js';
import { type EnvelopeRules, type Hearing, refuseContentEncoding } from './receive-request.js';

/** Sealed headers, and what stands around them. */
const HEAD_BYTES = 2 * MAX_CHUNK_BYTES;
/** What each chunk adds: its type, its length and its tag. */
const PER_CHUNK_BYTES = 5 + 16;

/** A body of that size as it travels, however its sender cut it into chunks that are worth it. */
const sealedBytes = (bytes: number): number => HEAD_BYTES + bytes + Math.ceil(bytes / 1024) * PER_CHUNK_BYTES;

/** Receives a request, or a message, that came in a session. Throws whatever is wrong with it. */
export function receiveSessionRequest(
  agent: ServiceAgent,
  sessions: Sessions | undefined,
  request: InboundRequest,
  rules: EnvelopeRules,
  hear: SessionHearing & Pick<Hearing, 'mayStream'>,
): Awaitable<Received> {
  if (!sessions) throw xlinkError('SESSION_NOT_ACCEPTED');
  rules.encrypted.assertEncrypted(request, 'session');
  refuseContentEncoding(request);
  if (rules.kind === 'message') return receiveSessionMessage(agent, sessions, request, rules, hear);
  const { maxBodyBytes } = rules.limits.for(request);
  const opens = hear.mayStream === true && opensAsItComes(sessions, request, rules);
  const arrived = arrivedIn(sessions, request, rules, maxBodyBytes, opens);
  return later(receiveInSession(sessions, arrived, hear), (received) => {
    const { message, content = EMPTY } = received;
    if (content.length > maxBodyBytes) throw xlinkError('BODY_TOO_LARGE');
    rules.fields.assertSealed(message.headers ?? [], (name) => request.header(name));
    return received;
  });
}

async function receiveSessionMessage(
  agent: ServiceAgent,
  sessions: Sessions,
  request: InboundRequest,
  rules: EnvelopeRules,
  hear: SessionHearing,
): Promise<Received> {
  const { maxEnvelopeBytes } = await sessions.context();
  const maxBytes = Math.min(maxEnvelopeBytes, rules.limits.for(request).maxEnvelopeBytes);
  const arrived = arrivedIn(sessions, request, rules, Math.floor((maxBytes * 3) / 4)); // as an envelope has room for
  return agent.receiveInSession(hear, (heeded) => receiveMessage(sessions, arrived, heeded));
}

const arrivedIn = (
  { rules: { clock } }: Sessions,
  request: InboundRequest,
  rules: EnvelopeRules,
  maxBodyBytes: number,
  opens = false,
): SessionRequest => ({
  credential: sessionCredential(request),
  request: requestBinding(request.method, request.target),
  arrivedAt: clock(),
  readBody: () => (request.hasBody ? readBody(request, rules, maxBodyBytes) : EMPTY),
  // In the literal: with a function that is added to it, all that the request holds lived until the next full collection (Node 24).
  openBody: opens ? () => openBody(request, rules) : undefined,
});

function assertType(request: InboundRequest): void {
  if (mediaTypeOf(request.header('content-type')) !== SESSION_TYPE)
    throw xlinkError('SESSION_MALFORMED', { field: 'content-type' });
}

/** Nobody but the handler has to see all of the body. */
const opensAsItComes = (
  { rules }: Sessions,
  { hasBody }: InboundRequest,
  { mayStream }: EnvelopeRules,
): boolean => hasBody && mayStream && !rules.checkpoints?.leaves;

/** Takes room for the first chunk; those behind it are its handler's. */
function openBody(request: InboundRequest, { intake }: EnvelopeRules): BodySource | undefined {
  assertType(request);
  const source = request.openBody?.();
  if (source) intake.take(request, HEAD_BYTES);
  return source;
}

function readBody(
  request: InboundRequest,
  { intake }: EnvelopeRules,
  maxBodyBytes: number,
): Awaitable<Uint8Array> {
  assertType(request);
  return intake.read(request, sealedBytes(maxBodyBytes), 'BODY_TOO_LARGE', () => {});
}
