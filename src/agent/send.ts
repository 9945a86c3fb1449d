import { contentTypeBinding } from '../checks/request-binding.js';
import { allowsScope } from '../checks/scope.js';
import { isContentType, isRequest, isScope } from '../envelope/fields.js';
import { negotiate, recordVersion } from '../envelope/negotiate.js';
import { encodePayload } from '../envelope/plaintext.js';
import { type EnvelopeDraft, sealEnvelope, signOnlyEnvelope } from '../envelope/seal.js';
import { toXlinkError, xlinkError } from '../errors.js';
import type { Did, Envelope, OnProgress, Scope, Version } from '../types.js';
import { decodeBase64url } from '../util/base64url.js';
import {
  anything,
  checkOptions,
  integerIn,
  isBoolean,
  isBytes,
  isFunction,
  isString,
  requireOption,
} from '../util/options.js';
import { type AgentContext, report } from './context.js';
import type { ResolvedPeer } from './peers.js';

export interface EnvelopeOptions {
  /** The recipient's DID. */
  readonly to: Did;
  /** Any JSON value. Left out: only for signed-only envelopes that speak for a request alone. */
  readonly payload?: unknown;
  /** Default `default`. */
  readonly scope?: Scope;
  /** Binds the envelope to an HTTP request: `METHOD /path?query`, from `requestBinding()`. */
  readonly request?: string;
  /** Signs without encrypting; the receiver must allow it. Default `false`. */
  readonly signedOnly?: boolean;
  /** A body that travels beside a signed-only envelope: its SHA-256 is signed. */
  readonly content?: Uint8Array;
  /** The Content-Type of that body, exactly as it is sent. */
  readonly contentType?: string;
  /** `envelopeId` of the message this one answers. */
  readonly inReplyTo?: string;
  /** Exactly this version instead of the highest that both sides know. */
  readonly version?: Version;
  readonly onProgress?: OnProgress;
}

export type SendOptions = Omit<EnvelopeOptions, 'content' | 'contentType'>;

/** What `send` delivered. */
export interface SendOutcome {
  /** The nonce of the envelope: `inReplyTo` of an answer. */
  readonly envelopeId: string;
  readonly envelope: Envelope;
  readonly version: Version;
}

const ENVELOPE_OPTIONS = {
  to: isString,
  payload: anything,
  scope: (value: unknown) => (isScope(value) ? undefined : '1 to 128 characters of A-Z a-z 0-9 : . _ / -'),
  request: (value: unknown) =>
    typeof value === 'string' && isRequest(value) ? undefined : '"METHOD /path?query", see requestBinding()',
  signedOnly: isBoolean,
  content: isBytes,
  contentType: (value: unknown) =>
    typeof value === 'string' && isContentType(contentTypeBinding(value))
      ? undefined
      : 'a Content-Type of at most 256 characters',
  inReplyTo: (value: unknown) =>
    typeof value === 'string' && decodeBase64url(value)?.length === 16
      ? undefined
      : 'the envelopeId of a message',
  version: integerIn(1, 3),
  onProgress: isFunction,
};

/** Makes an envelope for one recipient; delivers nothing. An answer was asked for, so its scope is not checked. */
export async function createEnvelope(
  context: AgentContext,
  options: EnvelopeOptions,
  { answer = false } = {},
): Promise<Envelope> {
  checkOptions('createEnvelope', options, ENVELOPE_OPTIONS);
  requireOption('createEnvelope', options, 'to');
  const { scope = 'default', signedOnly = false, onProgress } = options;
  if (!allowsScope(context.sendScopes, scope)) throw xlinkError('SCOPE_DENIED', { field: 'scope' });
  const payload = options.payload === undefined && signedOnly ? undefined : encodePayload(options.payload);
  if (options.contentType !== undefined && !options.content)
    throw xlinkError('INVALID_OPTION', { field: 'contentType', hint: 'contentType is that of content.' });
  if (options.content && !signedOnly)
    throw xlinkError('INVALID_OPTION', {
      field: 'content',
      hint: 'content travels beside a signedOnly envelope.',
    });

  await report(onProgress, 'resolving');
  const recipient = await context.peers.resolve(options.to, {
    unknown: 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY',
    revoked: 'LOOKUP_FAILED:DID_REVOKED',
  });
  if (!answer && !allowsScope(recipient.entry.receiveScopes, scope))
    throw xlinkError('RECEIVER_SCOPE_DENIED', { field: 'scope' });

  const draft = await draftOf(context, recipient, options, scope);
  const onSigning = () => report(onProgress, 'signing');
  if (signedOnly) return signOnlyEnvelope(context.identity, draft, payload, onSigning);
  await report(onProgress, 'encrypting');
  return sealEnvelope(
    context.identity,
    await context.peers.recipientKeys(recipient.peer),
    draft,
    payload!,
    onSigning,
  );
}

/** Makes an envelope and hands it to the transport. */
export async function send(context: AgentContext, options: SendOptions): Promise<SendOutcome> {
  const envelope = await createEnvelope(context, options);
  await report(options.onProgress, 'sending');
  await deliver(context, envelope);
  await report(options.onProgress, 'complete');
  return { envelopeId: envelope.nonce, envelope, version: envelope.version };
}

async function deliver({ transport }: AgentContext, envelope: Envelope): Promise<void> {
  let cause: unknown;
  try {
    const delivered = await transport.send(envelope, envelope.to);
    if (delivered.ok) return;
    cause = delivered.error;
  } catch (error) {
    cause = error;
  }
  const known = toXlinkError(cause);
  throw known.category === 'transport' ? known : xlinkError('SEND_FAILED', { cause });
}

async function draftOf(
  context: AgentContext,
  { peer }: ResolvedPeer,
  options: EnvelopeOptions,
  scope: Scope,
): Promise<EnvelopeDraft> {
  const { identity, minVersion, clock, random } = context;
  const { to, request, content, contentType, inReplyTo, signedOnly, version: wanted } = options;
  const recipientVersion = peer.record
    ? recordVersion(peer.record)
    : signedOnly
      ? identity.maxVersion
      : undefined;
  if (recipientVersion === undefined) throw xlinkError('KEY_AGREEMENT_FAILED:NO_KEY_RECORD', { field: 'to' });
  return {
    version: negotiate(identity.maxVersion, recipientVersion, { minVersion, wanted }),
    to,
    timestamp: clock(),
    nonce: random(16),
    scope,
    request,
    contentDigest: content && (await identity.crypto.sha256(content)),
    contentType: contentType === undefined ? undefined : contentTypeBinding(contentType),
    inReplyTo,
  };
}
