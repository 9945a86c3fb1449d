import { acceptsScope, grantsScope, isOwnScope } from '../checks/scope.js';
import { negotiate, recordVersion } from '../envelope/negotiate.js';
import { type Content, fieldsTranscript, type Header, jsonContent } from '../envelope/plaintext.js';
import { type EnvelopeDraft, sealEnvelope, signOnlyEnvelope } from '../envelope/seal.js';
import { isXlinkError, xlinkError } from '../errors/errors.js';
import { contentTypeBinding } from '../http/request-binding.js';
import type { OnProgress } from '../types/ports.js';
import type { Did, Envelope, Kind, Scope } from '../types/protocol.js';
import { type AgentContext, report } from './context.js';
import { checkEnvelopeOptions, type EnvelopeOptions } from './envelope-options.js';
import { didOfRecipient } from './named-recipient.js';
import type { PreparedMessage } from './open-shares.js';
import type { ResolvedPeer } from './peers.js';

/** What an envelope is for, and what only some kinds have. */
export interface Purpose {
  readonly kind: Kind;
  /** Of an answer, receipt or refusal: `envelopeId` of what it replies to. */
  readonly inReplyTo?: string;
  /** Of a request: the headers that the caller set. */
  readonly headers?: readonly Header[];
  /** Nonce and time of an earlier form of the same request. */
  readonly identity?: { readonly nonce: Uint8Array; readonly timestamp: number };
}

const MESSAGE: Purpose = { kind: 'message' };

/** Makes an envelope for one recipient; delivers nothing. */
export async function createEnvelope(
  context: AgentContext,
  options: EnvelopeOptions,
  purpose: Purpose = MESSAGE,
): Promise<Envelope> {
  return sealMessage(context, await prepareMessage(context, options, purpose), options.onProgress);
}

/** Everything that can be refused before there is any cryptography. */
export async function prepareMessage(
  context: AgentContext,
  options: EnvelopeOptions,
  purpose: Purpose = MESSAGE,
): Promise<PreparedMessage> {
  checkEnvelopeOptions(options, purpose.kind);
  const { scope = purpose.kind === 'request' ? '*' : 'default', signedOnly = false } = options;
  const isOwnIdea = purpose.kind === 'message' || purpose.kind === 'request';
  if (isOwnIdea && scope !== '*' && !isOwnScope(scope) && !acceptsScope(context.sendScopes, scope))
    throw xlinkError('SCOPE_DENIED', { field: 'scope' });
  const content = contentOf(options, purpose);

  if (options.onProgress) await report(options.onProgress, 'resolving');
  const to = await didOfRecipient(context.registry, options.to);
  const recipient = await recipientOf(context, to, purpose.kind);
  if (purpose.kind === 'message' && !isOwnScope(scope) && !grantsScope(recipient.entry.receiveScopes, scope))
    throw xlinkError('RECEIVER_SCOPE_DENIED', { field: 'scope' });
  const draft = await draftOf(context, recipient, { ...options, to: recipient.peer.did }, scope, purpose);
  return { recipient, draft, content, signedOnly };
}

/** Seals a message as one envelope. */
export async function sealMessage(
  context: AgentContext,
  { recipient, draft, content, signedOnly }: PreparedMessage,
  onProgress: OnProgress | undefined,
): Promise<Envelope> {
  const onSigning = onProgress && (() => report(onProgress, 'signing'));
  if (signedOnly) return signOnlyEnvelope(context.identity, draft, content?.bytes, onSigning);
  if (onProgress) await report(onProgress, 'encrypting');
  const keys = await recipient.peers.recipientKeys(recipient.peer, context.clock());
  return sealEnvelope(context.identity, keys, draft, content!, onSigning);
}

/**
 * Services that were discovered are known to the directory; everybody else to the registry, which also has the last word on
 * whom messages may go to.
 */
async function recipientOf({ services, peers }: AgentContext, to: Did, kind: Kind): Promise<ResolvedPeer> {
  if (!services.knows(to)) return peers.resolveRecipient(to);
  if (kind === 'request') return services.resolveRecipient(to);
  try {
    return await peers.resolveRecipient(to);
  } catch (error) {
    const isUnknown = isXlinkError(error) && error.id === 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY';
    if (isUnknown) return services.resolveRecipient(to);
    throw error;
  }
}

/** A JSON value, or bytes as they are; nothing where a body travels beside the envelope. */
function contentOf(options: EnvelopeOptions, { headers }: Purpose): Content | undefined {
  const { payload, content, contentType = '', signedOnly = false } = options;
  if (content) return signedOnly ? undefined : { bytes: content, contentType, headers };
  if (payload === undefined && signedOnly) return undefined;
  return { ...jsonContent(payload), headers };
}

async function draftOf(
  context: AgentContext,
  { peer }: ResolvedPeer,
  options: EnvelopeOptions,
  scope: Scope,
  { kind, inReplyTo = options.inReplyTo, headers = [], identity: earlier }: Purpose,
): Promise<EnvelopeDraft> {
  const { identity, minVersion, clock, random } = context;
  const { to, request, content, contentType, signedOnly, version: wanted } = options;
  const recipientVersion = peer.record
    ? recordVersion(peer.record)
    : signedOnly
      ? identity.maxVersion
      : undefined;
  if (recipientVersion === undefined) throw xlinkError('KEY_AGREEMENT_FAILED:NO_KEY_RECORD', { field: 'to' });
  const { crypto } = identity;
  return {
    version: negotiate(identity.maxVersion, recipientVersion, { minVersion, wanted }),
    kind,
    to,
    timestamp: earlier?.timestamp ?? clock(),
    nonce: earlier?.nonce ?? random(16),
    scope,
    request,
    inReplyTo,
    ...(signedOnly && headers.length > 0
      ? {
          fields: headers.map(([name]) => name).join(' '),
          fieldsDigest: await crypto.sha256(fieldsTranscript(headers)),
        }
      : {}),
    ...(signedOnly && content
      ? {
          contentDigest: await crypto.sha256(content),
          contentType: contentType === undefined ? undefined : contentTypeBinding(contentType),
        }
      : {}),
  };
}
