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
import { sessionCredential } from './credentials.js';
import { type EnvelopeRules, type Hearing, refuseContentEncoding } from './receive-request.js';

/** Sealed headers, and what stands around them. */
const HEAD_BYTES = 2 * MAX_CHUNK_BYTES;
/** What each chunk adds: its type, its length and its tag. */
const PER_CHUNK_BYTES = 5 + 16;

/** A body of that size as it travels, however its sender cut it into chunks that are worth it. */
const sealedBytes = (bytes: number): number => HEAD_BYTES + bytes + Math.ceil(bytes / 1024) * PER_CHUNK_BYTES;

/** Receives a request, or a message, that came in a session. Throws whatever is wrong with it. */
export async function receiveSessionRequest(
  agent: ServiceAgent,
  sessions: Sessions | undefined,
  request: InboundRequest,
  rules: EnvelopeRules,
  { mayStream = false, ...hear }: SessionHearing & Pick<Hearing, 'mayStream'>,
): Promise<Received> {
  if (!sessions) throw xlinkError('SESSION_NOT_ACCEPTED');
  rules.encrypted.assertEncrypted(request, 'session');
  refuseContentEncoding(request);
  const isMessage = rules.kind === 'message';
  const maxBodyBytes = isMessage
    ? await maxMessageBytes(sessions, request, rules)
    : rules.limits.for(request).maxBodyBytes;
  const arrived: SessionRequest = {
    credential: sessionCredential(request),
    request: requestBinding(request.method, request.target),
    arrivedAt: sessions.rules.clock(),
    readBody: async () => (request.hasBody ? readBody(request, rules, maxBodyBytes) : EMPTY),
    ...(mayStream && opensAsItComes(sessions, request, rules)
      ? { openBody: () => openBody(request, rules) }
      : {}),
  };
  if (isMessage) return agent.receiveInSession(hear, (heeded) => receiveMessage(sessions, arrived, heeded));
  const received = await receiveInSession(sessions, arrived, hear);
  const { message, content = EMPTY } = received;
  if (content.length > maxBodyBytes) throw xlinkError('BODY_TOO_LARGE');
  const { headers = [] } = message;
  rules.fields.assertAllowed(headers.map(([name]) => name));
  rules.fields.assertAlone(headers, (name) => request.header(name));
  return received;
}

/** As much as an envelope has room for. */
async function maxMessageBytes(
  sessions: Sessions,
  request: InboundRequest,
  { limits }: EnvelopeRules,
): Promise<number> {
  const { maxEnvelopeBytes } = await sessions.context();
  return Math.floor((Math.min(maxEnvelopeBytes, limits.for(request).maxEnvelopeBytes) * 3) / 4);
}

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
): Promise<Uint8Array> {
  assertType(request);
  return intake.read(request, sealedBytes(maxBodyBytes), 'BODY_TOO_LARGE', () => {});
}
