import type { Received } from '../agent/receive.js';
import { EMPTY } from '../crypto/bytes.js';
import { MAX_CHUNK_BYTES } from '../envelope/chunks.js';
import { xlinkError } from '../errors/service-errors.js';
import type { InboundRequest } from '../http/decision.js';
import { mediaTypeOf } from '../http/media-type.js';
import { requestBinding } from '../http/request-binding.js';
import { SESSION_TYPE } from '../http/session-headers.js';
import { receiveInSession, type SessionHearing } from '../session/receive.js';
import type { Sessions } from '../session/sessions.js';
import { sessionCredential } from './credentials.js';
import { type EnvelopeRules, refuseContentEncoding } from './receive-request.js';

/** Sealed headers, and what stands around them. */
const HEAD_BYTES = 2 * MAX_CHUNK_BYTES;
/** What each chunk adds: its type, its length and its tag. */
const PER_CHUNK_BYTES = 5 + 16;

/** A body of that size as it travels, however its sender cut it into chunks that are worth it. */
const sealedBytes = (bytes: number): number => HEAD_BYTES + bytes + Math.ceil(bytes / 1024) * PER_CHUNK_BYTES;

/** Receives a request that came in a session. Throws whatever is wrong with it. */
export async function receiveSessionRequest(
  sessions: Sessions | undefined,
  request: InboundRequest,
  rules: EnvelopeRules,
  hear: SessionHearing,
): Promise<Received> {
  if (!sessions || rules.kind !== 'request') throw xlinkError('SESSION_NOT_ACCEPTED');
  rules.encrypted.assertEncrypted(request, 'session');
  refuseContentEncoding(request);
  const { maxBodyBytes } = rules.limits.for(request);
  const arrivedAt = sessions.rules.clock();
  const received = await receiveInSession(
    sessions,
    {
      credential: sessionCredential(request),
      request: requestBinding(request.method, request.target),
      arrivedAt,
      readBody: async () => (request.hasBody ? readBody(request, rules, maxBodyBytes) : EMPTY),
    },
    hear,
  );
  const { message, content = EMPTY } = received;
  if (content.length > maxBodyBytes) throw xlinkError('BODY_TOO_LARGE');
  const { headers = [] } = message;
  rules.fields.assertAllowed(headers.map(([name]) => name));
  rules.fields.assertAlone(headers, (name) => request.header(name));
  return received;
}

function readBody(
  request: InboundRequest,
  { intake }: EnvelopeRules,
  maxBodyBytes: number,
): Promise<Uint8Array> {
  if (mediaTypeOf(request.header('content-type')) !== SESSION_TYPE)
    throw xlinkError('SESSION_MALFORMED', { field: 'content-type' });
  return intake.read(request, sealedBytes(maxBodyBytes), 'BODY_TOO_LARGE', () => {});
}
