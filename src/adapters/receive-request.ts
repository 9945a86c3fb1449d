import { defaultProvider } from '#provider';
import type { Received, ReceiveRules } from '../agent/receive.js';
import type { ServiceAgent } from '../agent/service-agent.js';
import { equalBytes } from '../crypto/bytes.js';
import { fieldsTranscript, type Header } from '../envelope/plaintext.js';
import { xlinkError } from '../errors/service-errors.js';
import type { BodyIntake } from '../http/body-intake.js';
import type { InboundRequest } from '../http/decision.js';
import type { ReceivedFields } from '../http/received-fields.js';
import { contentTypeBinding, requestBinding } from '../http/request-binding.js';
import { readSignedRequest } from '../signature/signed-request.js';
import type { AgentMessage, RegistryEntry, Scope } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { decodeBase64url } from '../util/base64url.js';
import type { BodyLimits } from './body-limits.js';
import { envelopeFromHeader, type ProofForm } from './credentials.js';
import type { Placement } from './placement.js';
import type { EncryptedRoutes } from './route-encryption.js';

export interface EnvelopeRules {
  /** `request`: made for one HTTP request by `createRequest()`; `message`: what agents send each other. */
  readonly kind: 'request' | 'message';
  readonly requireRequestBinding: boolean;
  /** A scope of the library that is taken beside those of applications. */
  readonly alsoScope?: Scope;
  /** Whether an envelope in a body may be signed only. */
  readonly allowCleartext: boolean;
  /** Reads envelopes in bodies. What a request takes is given back when the request is decided, at the latest. */
  readonly intake: BodyIntake<InboundRequest>;
  /** Told of envelopes that were made for another target. */
  readonly placement: Placement;
  /** How large envelopes and bodies may be, by route. */
  readonly limits: BodyLimits;
  /** Which headers a caller may seal or sign. */
  readonly fields: ReceivedFields;
  /** Whether signatures are taken in the place of envelopes. */
  readonly takesSignatures: boolean;
  /** Whether bodies may be opened as they come: nobody but the handler has to see all of one. */
  readonly mayStream: boolean;
  /** Where nothing is taken that can be read on the way. The routes of the library itself are none of these. */
  readonly encrypted: EncryptedRoutes;
}

/** A body that took longer than this to come, in ms: whoever sent it is asked for once more. */
const LONG_BODY_MS = 1000;

/** What the receiver wants to be told and asked. */
export type Hearing = Pick<ReceiveRules, 'onVerified' | 'admit' | 'onClaimed' | 'ownScope'> & {
  /** Asked once more about a sender whose body took long: what it throws refuses the request. */
  readonly assertStanding?: (entry: RegistryEntry) => Awaitable<void>;
  /** Whether what is received goes on to a handler, so that a body may be opened as it comes. Default false. */
  readonly mayStream?: boolean;
};

/** Receives what proves a request: an envelope that is bound to it, or its signature. Throws whatever is wrong with it. */
export async function receiveRequest(
  agent: ServiceAgent,
  request: InboundRequest,
  form: ProofForm,
  rules: EnvelopeRules,
  hearing: Hearing = {},
): Promise<Received> {
  if (form === 'ambiguous') throw xlinkError('ENVELOPE_AMBIGUOUS');
  refuseContentEncoding(request);
  const { ownScope, onVerified, admit, onClaimed } = hearing;
  if (ownScope === undefined) rules.encrypted.assertEncrypted(request, form);
  const binding = {
    request: requestBinding(request.method, request.target),
    requireRequestBinding: rules.requireRequestBinding,
    kind: rules.kind,
    arrivedAt: await agent.now(),
    alsoScope: rules.alsoScope,
    ownScope,
    onVerified,
    admit,
    onClaimed,
  };
  if (form === 'body') return receiveBodyForm(agent, request, binding, rules);
  const receiveHead = form === 'header' ? receiveHeaderForm : receiveSignatureForm;
  const received = await receiveHead(agent, request, binding, rules);
  return withBody(agent, request, received, rules, hearing);
}

type Binding = Pick<
  ReceiveRules,
  | 'request'
  | 'requireRequestBinding'
  | 'onVerified'
  | 'kind'
  | 'ownScope'
  | 'alsoScope'
  | 'arrivedAt'
  | 'admit'
  | 'onClaimed'
>;

/** The envelope is the body; its payload takes the body's place. */
async function receiveBodyForm(
  agent: ServiceAgent,
  request: InboundRequest,
  binding: Binding,
  rules: EnvelopeRules,
): Promise<Received> {
  const { maxEnvelopeBytes, maxContentBytes } = rules.limits.for(request);
  const bytes = await rules.intake.read(request, maxEnvelopeBytes);
  const onVerified: ReceiveRules['onVerified'] = (sender, entry) => {
    rules.intake.release(request);
    binding.onVerified?.(sender, entry);
  };
  const allowCleartext = rules.allowCleartext && !rules.encrypted.include(request);
  const hasOwnLimit = maxContentBytes !== undefined;
  const received = await receiveContent(agent, rules, bytes, {
    ...binding,
    onVerified,
    allowCleartext,
    maxEnvelopeBytes: hasOwnLimit ? maxEnvelopeBytes : undefined,
  });
  if (received.message.contentDigest !== undefined)
    // signed-only, where that is allowed
    throw xlinkError('CONTENT_DIGEST_UNEXPECTED', { field: 'contentDigest' });
  if (!received.content) throw xlinkError('PARSE_FAILED:MISSING_FIELD', { field: 'payload' });
  if (hasOwnLimit && received.content.length > maxContentBytes) throw xlinkError('BODY_TOO_LARGE');
  rules.fields.assertSealed(received.message.headers ?? [], (name) => request.header(name));
  return binding.ownScope === undefined ? received : { ...received, envelopeBytes: bytes };
}

/** The envelope speaks for the request and for the body beside it. */
async function receiveHeaderForm(
  agent: ServiceAgent,
  request: InboundRequest,
  binding: Binding,
  rules: EnvelopeRules,
): Promise<Received> {
  const received = await receiveContent(agent, rules, envelopeFromHeader(request), {
    ...binding,
    allowCleartext: true,
  });
  const { message, content } = received;
  if (message.encrypted || content !== undefined)
    throw xlinkError('ENVELOPE_FORM_NOT_ALLOWED', { field: 'payload' });
  await checkFields(request, message, rules);
  return received;
}

/** The signature does the same, without an envelope. */
async function receiveSignatureForm(
  agent: ServiceAgent,
  request: InboundRequest,
  binding: Binding,
  { takesSignatures, fields }: EnvelopeRules,
): Promise<Received> {
  if (!takesSignatures) throw xlinkError('SIGNATURE_NOT_ALLOWED');
  const signed = readSignedRequest(request);
  fields.assertAllowed(signed.chosen.filter((name) => name !== 'authorization')); // where a key may be, and no envelope is
  const { arrivedAt, ownScope, onVerified, admit, onClaimed } = binding;
  return agent.receiveSigned(signed, { arrivedAt, ownScope, onVerified, admit, onClaimed });
}

/** The body beside an envelope or a signature stays as it is, and is read last: by then it is known who sends it. */
async function withBody(
  agent: ServiceAgent,
  request: InboundRequest,
  received: Received,
  rules: EnvelopeRules,
  { assertStanding, ownScope }: Hearing,
): Promise<Received> {
  const { message } = received;
  const started = performance.now();
  await checkBody(request, message, rules);
  if (performance.now() - started < LONG_BODY_MS) return received;
  const admit: ReceiveRules['admit'] = (_, entry) => assertStanding?.(entry);
  return { ...received, message: await agent.recheck(message, { ownScope, admit }) };
}

/** The headers that the envelope covers are those of the request. */
async function checkFields(
  request: InboundRequest,
  { fields, fieldsDigest }: AgentMessage,
  rules: EnvelopeRules,
): Promise<void> {
  if (fields === undefined) return;
  const names = fields.split(' ');
  rules.fields.assertAllowed(names);
  const values = names.map((name): Header => [name, request.header(name) ?? '']);
  const digest = await defaultProvider().sha256(fieldsTranscript(values));
  if (!equalBytes(digest, decodeBase64url(fieldsDigest!)!))
    throw xlinkError('FIELDS_MISMATCH', { field: 'fieldsDigest' });
}

async function checkBody(
  request: InboundRequest,
  message: AgentMessage,
  { limits }: EnvelopeRules,
): Promise<void> {
  const body = request.hasBody ? await request.readBody(limits.for(request).maxBodyBytes) : new Uint8Array(0);
  await assertBodySigned(request, message, body);
}

/** Throws `CONTENT_…` unless the body of a request is the one that was signed with it. */
export async function assertBodySigned(
  request: InboundRequest,
  { contentDigest, contentType }: AgentMessage,
  body: Uint8Array,
): Promise<void> {
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
export function refuseContentEncoding(request: InboundRequest): void {
  const encoding = request.header('content-encoding')?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity')
    throw xlinkError('CONTENT_ENCODING_UNSUPPORTED', { field: 'content-encoding' });
}

async function receiveContent(
  agent: ServiceAgent,
  { placement }: EnvelopeRules,
  envelope: Uint8Array,
  options: ReceiveRules,
): Promise<Received> {
  const result = await agent.receiveContent(envelope, options);
  if (result.ok) return result.value;
  if (result.error.id === 'REQUEST_BINDING_MISMATCH') placement.mismatch(envelope, options.request ?? '');
  throw result.error;
}
