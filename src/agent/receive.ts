import { checkRequestBinding } from '../checks/request-binding.js';
import { allowsScope } from '../checks/scope.js';
import { checkTimestamp, nonceTtlMs } from '../checks/timestamp.js';
import { openPayload, verifySignatures } from '../envelope/open.js';
import { type ParsedEnvelope, parseEnvelope } from '../envelope/parse.js';
import { decodePayload } from '../envelope/plaintext.js';
import { headerTranscript } from '../envelope/transcript.js';
import { isXlinkError, xlinkError } from '../errors.js';
import type { AgentMessage, Did, NonceUse, OnProgress, Scope, Version } from '../types.js';
import { type AgentContext, report } from './context.js';
import type { ResolvedPeer } from './peers.js';

export interface ReceiveOptions {
  /** Accepts signed-only envelopes too. Default `false`: only encrypted ones. */
  readonly allowCleartext?: boolean;
  /** The HTTP request the envelope came with, from `requestBinding()`. If given, a bound envelope must match it. */
  readonly request?: string;
  /** Refuses envelopes that are not bound to a request. Needs `request`. Default `false`. */
  readonly requireRequestBinding?: boolean;
  /** Takes nothing but the answer to this envelope (its `envelopeId`). Scope lists do not apply to an answer. */
  readonly inReplyTo?: string;
  /** Told the sender once the signature is verified, whatever is refused after that. */
  readonly onVerified?: (sender: Did) => void;
  readonly onProgress?: OnProgress;
}

/** A message, and the JSON bytes of its payload exactly as they were sealed. */
export interface Received {
  readonly message: AgentMessage;
  readonly content: Uint8Array | undefined;
}

/**
 * The order matters. What costs nothing comes first; nothing is written before the signature is known to be good, so
 * strangers can neither burn nonces nor fill the store; nothing is decrypted that will not be accepted.
 */
export async function receive(
  context: AgentContext,
  input: unknown,
  options: ReceiveOptions,
): Promise<Received> {
  const progress = (stage: Parameters<typeof report>[1]) => report(options.onProgress, stage);

  await progress('parsing');
  const envelope = parseEnvelope(input, context.maxEnvelopeBytes);

  await progress('checking');
  checkAddress(context, envelope, options);
  checkTimestamp(envelope.fields.timestamp, context.clock(), context.timestampWindowMs);
  await refuseSeen(context, envelope, options);

  await progress('resolving');
  const sender = await context.peers.resolve(envelope.fields.from, {
    unknown: 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
    revoked: 'VERIFICATION_FAILED:DID_REVOKED',
  });
  checkShownVersion(sender, envelope.suite.version);

  await progress('verifying');
  const { ed25519 } = sender.peer;
  const mlDsa65 = envelope.suite.pqSignature ? await context.peers.mlDsa65(sender.peer) : undefined;
  const header = headerTranscript(envelope);
  await verifySignatures(context.identity.crypto, { ed25519, mlDsa65 }, envelope, header);
  options.onVerified?.(envelope.fields.from);

  await progress('authorizing');
  if (options.inReplyTo === undefined) checkScopes(context, sender, envelope.fields.scope);

  await progress('claiming');
  await claimNonce(context, envelope, options);
  sender.peer.shownVersion = Math.max(sender.peer.shownVersion, envelope.suite.version) as Version;

  await progress('decrypting');
  const content = await openPayload(context.identity, envelope, header);
  const message = toMessage(envelope, content);

  await progress('complete');
  return { message, content };
}

function checkAddress(
  { identity, minVersion }: AgentContext,
  { fields, suite }: ParsedEnvelope,
  options: ReceiveOptions,
): void {
  if (fields.to !== identity.did) throw xlinkError('RECIPIENT_MISMATCH', { field: 'to' });
  if (suite.version < minVersion) throw xlinkError('VERSION_TOO_LOW', { field: 'version' });
  if (!suite.sealed && !options.allowCleartext) throw xlinkError('CLEARTEXT_NOT_ALLOWED', { field: 'suite' });
  if (options.inReplyTo !== undefined && fields.inReplyTo !== options.inReplyTo)
    throw xlinkError('ANSWER_INVALID', { field: 'inReplyTo' });
  if (options.request !== undefined)
    checkRequestBinding(fields.request, options.request, options.requireRequestBinding ?? false);
}

function checkScopes({ receiveScopes }: AgentContext, { entry }: ResolvedPeer, scope: Scope): void {
  if (!allowsScope(entry.sendScopes, scope)) throw xlinkError('SCOPE_DENIED', { field: 'scope' });
  if (!allowsScope(receiveScopes, scope)) throw xlinkError('SCOPE_NOT_ALLOWED', { field: 'scope' });
}

function checkShownVersion({ peer }: ResolvedPeer, version: Version): void {
  if (version < peer.shownVersion) throw xlinkError('VERSION_TOO_LOW', { field: 'version' });
}

/** The answer to a request of this process cannot have been received by a previous one, so its age does not count. */
const nonceUse = (
  { fields }: ParsedEnvelope,
  { clock }: AgentContext,
  options: ReceiveOptions,
): NonceUse => ({
  recipient: fields.to,
  sender: fields.from,
  nonce: fields.nonce,
  timestamp: options.inReplyTo === undefined ? fields.timestamp : clock(),
});

async function refuseSeen(
  context: AgentContext,
  envelope: ParsedEnvelope,
  options: ReceiveOptions,
): Promise<void> {
  const use = nonceUse(envelope, context, options);
  const seen = await askNonceStore(context, false, () => context.nonceStore.seen(use));
  if (seen) throw xlinkError('REPLAY_DETECTED', { field: 'nonce' });
}

async function claimNonce(
  context: AgentContext,
  envelope: ParsedEnvelope,
  options: ReceiveOptions,
): Promise<void> {
  const ttlMs = nonceTtlMs(context.timestampWindowMs);
  const claimed = await askNonceStore(context, true, () =>
    context.nonceStore.claim(nonceUse(envelope, context, options), ttlMs),
  );
  if (!claimed) throw xlinkError('REPLAY_DETECTED', { field: 'nonce' });
}

/** Fails closed: without an answer nothing is accepted, unless the option with the unsafe name says so. */
async function askNonceStore(context: AgentContext, ifUnsafe: boolean, ask: () => unknown): Promise<boolean> {
  try {
    const answer = await ask();
    if (typeof answer === 'boolean') return answer;
    throw new TypeError('a nonce store must answer true or false');
  } catch (cause) {
    if (context.unsafeAcceptWhenNonceStoreFails) return ifUnsafe;
    throw isXlinkError(cause) ? cause : xlinkError('NONCE_STORE_UNAVAILABLE', { cause });
  }
}

function toMessage({ fields, suite }: ParsedEnvelope, content: Uint8Array | undefined): AgentMessage {
  const { request, contentDigest, contentType, inReplyTo } = fields;
  return {
    sender: fields.from,
    payload: content === undefined ? undefined : decodePayload(content),
    scope: fields.scope,
    version: suite.version,
    encrypted: suite.sealed,
    timestamp: fields.timestamp,
    envelopeId: fields.nonce,
    ...(request === undefined ? {} : { request }),
    ...(contentDigest === undefined ? {} : { contentDigest }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
  };
}
