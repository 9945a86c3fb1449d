import { allowsScope } from '../checks/scope.js';
import { checkTimestamp } from '../checks/timestamp.js';
import type { Suite } from '../crypto/suites.js';
import { openPayload, verifySignatures } from '../envelope/open.js';
import { type ParsedEnvelope, parseEnvelope } from '../envelope/parse.js';
import { decodePayload } from '../envelope/plaintext.js';
import { headerTranscript } from '../envelope/transcript.js';
import { xlinkError } from '../errors/errors.js';
import { checkRequestBinding } from '../http/request-binding.js';
import type { NonceUse, OnProgress } from '../types/ports.js';
import type { AgentMessage, Did, Scope, Version } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { given } from '../util/given.js';
import { type AgentContext, report } from './context.js';
import { assertNotReplayed, claimNonce } from './nonces.js';
import type { ResolvedPeer } from './peers.js';
import { type Gathered, gatherShares } from './receive-shares.js';

/** Options of `agent.receive()`. */
export interface ReceiveOptions {
  /** Accepts signed-only envelopes too. Default `false`: only encrypted ones. */
  readonly allowCleartext?: boolean;
  /** The HTTP request the envelope came with, from `requestBinding()`. If given, a bound envelope must match it. Default: bindings are not checked. */
  readonly request?: string;
  /** Refuses envelopes that are not bound to a request. Needs `request`. Default `false`. */
  readonly requireRequestBinding?: boolean;
  /** Takes nothing but the answer to this envelope (its `envelopeId`). Scope lists do not apply to an answer. Default: any message. */
  readonly inReplyTo?: string;
  /** Takes messages that are older than the timestamp window, in ms; at most the agent's `maxAgeMs`. Default: none. */
  readonly maxAgeMs?: number;
  /**
   * What is to be done with the message. If it rejects, the message counts as not received and can come again; if the
   * process ends before it resolves, too, provided that the nonce store has `reserve` and `settle`.
   */
  readonly handle?: (message: AgentMessage) => Awaitable<void>;
  /** Told the sender once the signature is verified, whatever is refused after that. Default: not called. */
  readonly onVerified?: (sender: Did) => void;
  /** Called at each stage, and awaited. Default: not called. */
  readonly onProgress?: OnProgress;
}

/** A message, and the JSON bytes of its payload exactly as they were sealed. */
export interface Received {
  /** The verified and opened message. */
  readonly message: AgentMessage;
  /** Bytes of UTF-8 JSON; `undefined` if the envelope carried no payload. */
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
  const { timestampWindowMs } = context;
  checkTimestamp(envelope.fields.timestamp, context.clock(), timestampWindowMs, options.maxAgeMs);
  const use = nonceUse(envelope, context, options);
  await assertNotReplayed(context, use);

  await progress('resolving');
  const sender = await context.peers.resolve(envelope.fields.from, {
    unknown: 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
    revoked: 'VERIFICATION_FAILED:DID_REVOKED',
  });
  checkShownVersion(sender, envelope.suite);

  await progress('verifying');
  const { ed25519 } = sender.peer;
  const mlDsa65 = envelope.suite.pqSignature ? await context.peers.mlDsa65(sender.peer) : undefined;
  const header = headerTranscript(envelope);
  await verifySignatures(context.identity.crypto, { ed25519, mlDsa65 }, envelope, header);
  options.onVerified?.(envelope.fields.from);

  await progress('authorizing');
  if (options.inReplyTo === undefined) checkScopes(context, sender, envelope.fields.scope);

  await progress('claiming');
  const reservable = options.handle !== undefined;
  const claims = [await claimNonce(context, use, reservable)];
  rememberVersion(sender, envelope.suite);

  await progress('decrypting');
  let isUsed = true; // by what cannot be opened, too
  try {
    const opened = await openPayload(context.identity, envelope, header);
    const { onProgress } = options;
    const gathered = isMessage(envelope)
      ? undefined
      : await gatherShares(context, envelope, opened!, use, { reservable, onProgress });
    if (gathered) claims.push(gathered.settle);
    const content = gathered?.content ?? opened;
    const message = toMessage(envelope, content, gathered);
    isUsed = false;
    await options.handle?.(message);
    isUsed = true;

    await progress('complete');
    return { message, content };
  } finally {
    for (const settle of claims) await settle(isUsed);
  }
}

const isMessage = ({ suite }: ParsedEnvelope): boolean => suite.form === 'message';

function checkAddress(
  { identity, minVersion, xchange }: AgentContext,
  { fields, suite }: ParsedEnvelope,
  options: ReceiveOptions,
): void {
  if (fields.to !== identity.did) throw xlinkError('RECIPIENT_MISMATCH', { field: 'to' });
  if (suite.version < minVersion) throw xlinkError('VERSION_TOO_LOW', { field: 'version' });
  if (!suite.sealed && !options.allowCleartext) throw xlinkError('CLEARTEXT_NOT_ALLOWED', { field: 'suite' });
  if (options.inReplyTo !== undefined && fields.inReplyTo !== options.inReplyTo)
    throw xlinkError('ANSWER_INVALID', { field: 'inReplyTo' });
  if (suite.form === 'xchange' && !xchange) throw xlinkError('XCHANGE_REFUSED', { field: 'suite' });
  if (suite.form !== 'message' && options.request !== undefined)
    throw xlinkError('SHARES_NOT_ACCEPTED', { field: 'suite' });
  if (options.request !== undefined)
    checkRequestBinding(fields.request, options.request, options.requireRequestBinding ?? false);
}

function checkScopes({ receiveScopes }: AgentContext, { entry }: ResolvedPeer, scope: Scope): void {
  if (!allowsScope(entry.sendScopes, scope)) throw xlinkError('SCOPE_DENIED', { field: 'scope' });
  if (!allowsScope(receiveScopes, scope)) throw xlinkError('SCOPE_NOT_ALLOWED', { field: 'scope' });
}

/** Who takes Xchange has said so, and it has one version only. */
function checkShownVersion({ peer }: ResolvedPeer, { version, form }: Suite): void {
  if (form !== 'xchange' && version < peer.shownVersion)
    throw xlinkError('VERSION_TOO_LOW', { field: 'version' });
}

function rememberVersion({ peer }: ResolvedPeer, { version, form }: Suite): void {
  if (form !== 'xchange') peer.shownVersion = Math.max(peer.shownVersion, version) as Version;
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

function toMessage(
  { fields, suite }: ParsedEnvelope,
  content: Uint8Array | undefined,
  gathered: Gathered | undefined,
): AgentMessage {
  const { request, contentDigest, contentType, inReplyTo } = fields;
  return {
    sender: fields.from,
    payload: content === undefined ? undefined : decodePayload(content),
    scope: fields.scope,
    version: suite.version,
    encrypted: suite.sealed,
    timestamp: fields.timestamp,
    envelopeId: gathered?.groupId ?? fields.nonce,
    ...given({ request, contentDigest, contentType, inReplyTo }),
    ...(gathered ? { shares: gathered.shares } : {}),
    ...(suite.form === 'xchange' ? { xchange: true } : {}),
  };
}
