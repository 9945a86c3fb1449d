import { allowsScope } from '../checks/scope.js';
import { negotiate, recordVersion } from '../envelope/negotiate.js';
import { encodePayload } from '../envelope/plaintext.js';
import { type EnvelopeDraft, sealEnvelope, signOnlyEnvelope } from '../envelope/seal.js';
import { xlinkError } from '../errors/errors.js';
import { contentTypeBinding } from '../http/request-binding.js';
import type { OnProgress } from '../types/ports.js';
import type { Envelope, Scope } from '../types/protocol.js';
import { type AgentContext, report } from './context.js';
import { checkEnvelopeOptions, type EnvelopeOptions } from './envelope-options.js';
import { didOfRecipient } from './named-recipient.js';
import type { ResolvedPeer } from './peers.js';

/** A message that may be sent, before anything of it is sealed. */
export interface PreparedMessage {
  readonly recipient: ResolvedPeer;
  readonly draft: EnvelopeDraft;
  /** The payload as JSON bytes; absent from an envelope that speaks for a request alone. */
  readonly payload: Uint8Array | undefined;
  readonly signedOnly: boolean;
}

/** Makes an envelope for one recipient; delivers nothing. An answer was asked for, so its scope is not checked. */
export async function createEnvelope(
  context: AgentContext,
  options: EnvelopeOptions,
  more: { readonly answer?: boolean } = {},
): Promise<Envelope> {
  return sealMessage(context, await prepareMessage(context, options, more), options.onProgress);
}

/** Everything that can be refused before there is any cryptography. */
export async function prepareMessage(
  context: AgentContext,
  options: EnvelopeOptions,
  { answer = false } = {},
): Promise<PreparedMessage> {
  checkEnvelopeOptions(options);
  const { scope = 'default', signedOnly = false } = options;
  if (!allowsScope(context.sendScopes, scope)) throw xlinkError('SCOPE_DENIED', { field: 'scope' });
  const payload = options.payload === undefined && signedOnly ? undefined : encodePayload(options.payload);

  await report(options.onProgress, 'resolving');
  const to = await didOfRecipient(context.registry, options.to);
  const recipient = await context.peers.resolve(to, {
    unknown: 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY',
    revoked: 'LOOKUP_FAILED:DID_REVOKED',
  });
  if (!answer && !allowsScope(recipient.entry.receiveScopes, scope))
    throw xlinkError('RECEIVER_SCOPE_DENIED', { field: 'scope' });
  const draft = await draftOf(context, recipient, { ...options, to }, scope);
  return { recipient, draft, payload, signedOnly };
}

/** Seals a message as one envelope. */
export async function sealMessage(
  context: AgentContext,
  { recipient, draft, payload, signedOnly }: PreparedMessage,
  onProgress: OnProgress | undefined,
): Promise<Envelope> {
  const onSigning = () => report(onProgress, 'signing');
  if (signedOnly) return signOnlyEnvelope(context.identity, draft, payload, onSigning);
  await report(onProgress, 'encrypting');
  const keys = await context.peers.recipientKeys(recipient.peer);
  return sealEnvelope(context.identity, keys, draft, payload!, onSigning);
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
