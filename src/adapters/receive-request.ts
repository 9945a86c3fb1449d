import { defaultProvider } from '#provider';
import type { Received, ReceiveRules } from '../agent/receive.js';
import type { ServiceAgent } from '../agent/service-agent.js';
import { equalBytes } from '../crypto/bytes.js';
import { fieldsTranscript, type Header } from '../envelope/plaintext.js';
import { xlinkError } from '../errors/errors.js';
import type { BodyIntake } from '../http/body-intake.js';
import type { InboundRequest } from '../http/decision.js';
import { contentTypeBinding, requestBinding } from '../http/request-binding.js';
import type { AgentMessage } from '../types/protocol.js';
import { decodeBase64url } from '../util/base64url.js';
import { type EnvelopeForm, envelopeFromHeader } from './credentials.js';

export interface EnvelopeRules {
  /** `request`: made for one HTTP request by `createRequest()`; `message`: what agents send each other. */
  readonly kind: 'request' | 'message';
  readonly requireRequestBinding: boolean;
  /** Whether an envelope in a body may be signed only. */
  readonly allowCleartext: boolean;
  readonly maxEnvelopeBytes: number;
  /** Reads envelopes in bodies. What a request takes is given back when the request is decided, at the latest. */
  readonly intake: BodyIntake<InboundRequest>;
  readonly maxBodyBytes: number;
}

/** Receives the envelope of a request, bound to that request. Throws whatever is wrong with it. */
export async function receiveRequest(
  agent: ServiceAgent,
  request: InboundRequest,
  form: EnvelopeForm,
  rules: EnvelopeRules,
  hear: Pick<ReceiveRules, 'onVerified' | 'admit' | 'onClaimed' | 'ownScope'> = {},
): Promise<Received> {
  if (form === 'ambiguous') throw xlinkError('ENVELOPE_AMBIGUOUS');
  refuseContentEncoding(request);
  const binding = {
    request: requestBinding(request.method, request.target),
    requireRequestBinding: rules.requireRequestBinding,
    kind: rules.kind,
    arrivedAt: await agent.now(),
    ...hear,
  };
  return form === 'body'
    ? receiveBodyForm(agent, request, binding, rules)
    : receiveHeaderForm(agent, request, binding, rules);
}

type Binding = Pick<
  ReceiveRules,
  'request' | 'requireRequestBinding' | 'onVerified' | 'kind' | 'ownScope' | 'arrivedAt'
>;

/** The envelope is the body; its payload takes the body's place. */
async function receiveBodyForm(
  agent: ServiceAgent,
  request: InboundRequest,
  binding: Binding,
  rules: EnvelopeRules,
): Promise<Received> {
  const bytes = await rules.intake.read(request, rules.maxEnvelopeBytes);
  const onVerified: ReceiveRules['onVerified'] = (sender, entry) => {
    rules.intake.release(request);
    binding.onVerified?.(sender, entry);
  };
  const { allowCleartext } = rules;
  const received = unwrap(await agent.receiveContent(bytes, { ...binding, allowCleartext, onVerified }));
  if (received.message.contentDigest !== undefined)
    // signed-only, where that is allowed
    throw xlinkError('CONTENT_DIGEST_UNEXPECTED', { field: 'contentDigest' });
  if (!received.content) throw xlinkError('PARSE_FAILED:MISSING_FIELD', { field: 'payload' });
  return received;
}

/** The envelope speaks for the request and for the body beside it, which stays as it is. The body is read last. */
async function receiveHeaderForm(
  agent: ServiceAgent,
  request: InboundRequest,
  binding: Binding,
  rules: EnvelopeRules,
): Promise<Received> {
  const received = unwrap(
    await agent.receiveContent(envelopeFromHeader(request), { ...binding, allowCleartext: true }),
  );
  const { message, content } = received;
  if (message.encrypted || content !== undefined)
    throw xlinkError('ENVELOPE_FORM_NOT_ALLOWED', { field: 'payload' });
  await checkFields(request, message);
  await checkBody(request, message, rules);
  return received;
}

/** The headers that the envelope covers are those of the request. */
async function checkFields(request: InboundRequest, { fields, fieldsDigest }: AgentMessage): Promise<void> {
  if (fields === undefined) return;
  const values = fields.split(' ').map((name): Header => [name, request.header(name) ?? '']);
  const digest = await defaultProvider().sha256(fieldsTranscript(values));
  if (!equalBytes(digest, decodeBase64url(fieldsDigest!)!))
    throw xlinkError('FIELDS_MISMATCH', { field: 'fieldsDigest' });
}

async function checkBody(
  request: InboundRequest,
  message: AgentMessage,
  { maxBodyBytes }: EnvelopeRules,
): Promise<void> {
  const { contentDigest, contentType } = message;
  const body = request.hasBody ? await request.readBody(maxBodyBytes) : new Uint8Array(0);
  if (body.length === 0) {
    if (contentDigest !== undefined)
      throw xlinkError('CONTENT_DIGEST_UNEXPECTED', { field: 'contentDigest' });
    return;
  }
  if (contentDigest === undefined) throw xlinkError('CONTENT_DIGEST_MISSING', { field: 'contentDigest' });
  if (!equalBytes(await defaultProvider().sha256(body), decodeBase64url(contentDigest)!))
    throw xlinkError('CONTENT_DIGEST_MISMATCH', { field: 'contentDigest' });
  if ((contentType ?? '') !== contentTypeBinding(request.header('content-type') ?? ''))
    throw xlinkError('CONTENT_TYPE_MISMATCH', { field: 'contentType' });
}

/** A compressed body could mean one thing to the digest and another to the parser behind. */
function refuseContentEncoding(request: InboundRequest): void {
  const encoding = request.header('content-encoding')?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity')
    throw xlinkError('CONTENT_ENCODING_UNSUPPORTED', { field: 'content-encoding' });
}

function unwrap(result: Awaited<ReturnType<ServiceAgent['receiveContent']>>): Received {
  if (!result.ok) throw result.error;
  return result.value;
}
