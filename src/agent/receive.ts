import { ALL_SCOPES, acceptsScope, grantsScope, isOwnScope, scopesInForce } from '../checks/scope.js';
import { checkTimestamp } from '../checks/timestamp.js';
import type { Suite } from '../crypto/suites.js';
import { recordVersion } from '../envelope/negotiate.js';
import { openPayload, verifySignatures } from '../envelope/open.js';
import { type OpenedAnswer, openAnswer } from '../envelope/open-answer.js';
import { type ParsedEnvelope, parseEnvelope } from '../envelope/parse.js';
import { type Content, decodePayload, isJsonType } from '../envelope/plaintext.js';
import { headerTranscript } from '../envelope/transcript.js';
import { xlinkError } from '../errors/errors.js';
import type { SealStart } from '../http/answer-head.js';
import type { StreamedContent } from '../http/body-source.js';
import { checkRequestBinding } from '../http/request-binding.js';
import type { SignedRequest } from '../signature/signed-request.js';
import type { NonceUse, OnProgress, ProgressEvent } from '../types/ports.js';
import type { AgentMessage, Did, Envelope, Kind, RegistryEntry, Scope, Version } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { given } from '../util/given.js';
import { type AgentContext, report } from './context.js';
import { assertNotReplayed, claimNonce } from './nonces.js';
import type { Gathered } from './open-shares.js';
import type { ResolvedPeer } from './peers.js';

/** Options of `agent.receive()`. */
export interface ReceiveOptions {
  /** Accepts signed-only envelopes too. Default `false`: only encrypted ones. */
  readonly allowCleartext?: boolean;
  /** The HTTP request the envelope came with, from `requestBinding()`. A bound envelope must match it. Default: no bound envelope is taken. */
  readonly request?: string;
  /** Refuses envelopes that are not bound to a request. Needs `request`. Default `false`. */
  readonly requireRequestBinding?: boolean;
  /** Takes messages that are older than the timestamp window, in ms; at most the agent's `maxAgeMs`. Default: none. */
  readonly maxAgeMs?: number;
  /**
   * What is to be done with the message. If it rejects, the message counts as not received and can come again; if the
   * process ends before it resolves, too, provided that the nonce store has `reserve` and `settle`.
   */
  readonly handle?: (message: AgentMessage) => Awaitable<void>;
  /** Told the sender and its entry once the signature is verified, whatever is refused after that. Default: not called. */
  readonly onVerified?: ((sender: Did, entry: RegistryEntry) => void) | undefined;
  /** Called at each stage, and awaited. Default: not called. */
  readonly onProgress?: OnProgress;
}

/** What the library's own receivers say beside. */
export interface ReceiveRules extends ReceiveOptions {
  /** The kind that is taken. Default: `answer` if `inReplyTo` is given, else `message`. */
  readonly kind?: Kind;
  /** Takes nothing but the reply to this envelope (its `envelopeId`). Scope lists do not apply to it. */
  readonly inReplyTo?: string;
  /** The commitment and the first chunk of an answer, which travel beside its envelope, and whether there are no more. */
  readonly first?: { readonly payload: Uint8Array; readonly isFinal: boolean };
  /** The scope of the library's own route that receives; it needs no grant. */
  readonly ownScope?: Scope | undefined;
  /** Another scope of the library that is taken, beside those of applications; it needs no grant either. */
  readonly alsoScope?: Scope | undefined;
  /** Largest envelope, in bytes. Default: that of the agent. */
  readonly maxEnvelopeBytes?: number | undefined;
  /** When the head of the request arrived, in ms since 1970: a slow body makes no envelope old. Default: now. */
  readonly arrivedAt?: number | undefined;
  /** Asked about the verified sender and its entry before the nonce is claimed: what it throws refuses the envelope, and leaves it unused. */
  readonly admit?: ((sender: Did, entry: RegistryEntry, nonce: string) => Awaitable<void>) | undefined;
  /** Asked about what was opened, before it is handed over: what it throws refuses it. `again` lets it come once more. */
  readonly judge?: (received: Received, entry: RegistryEntry, again: () => unknown) => Awaitable<void>;
  /** Told which envelope it is once its nonce is claimed: from then on a refusal of it may be signed. */
  readonly onClaimed?: ((claimed: ClaimedEnvelope) => void) | undefined;
}

/** What a refusal must say of the envelope that it refuses. */
export interface ClaimedEnvelope
  extends Pick<AgentMessage, 'sender' | 'scope' | 'request' | 'envelopeId' | 'recipient'> {
  /** The signed request that came in the place of an envelope. */
  readonly signed?: SignedRequest;
  /** What seals the answer or refusal, of a request that came in a session. */
  readonly inSession?: (kind: 'answer' | 'refusal') => SealStart;
}

/** A message, and its content exactly as it was sealed. */
export interface Received {
  /** The verified and opened message. */
  readonly message: AgentMessage;
  /** Bytes of UTF-8 JSON; `undefined` if the envelope carried no payload. */
  readonly content: Uint8Array | undefined;
  /** Of a body whose end is still to come, in the place of `content`. */
  readonly stream?: StreamedContent;
  /** The envelope as it came, of what was for a route of the library itself. */
  readonly envelopeBytes?: Uint8Array;
  /** The envelope itself; absent without one, and of one that brought its sender along. */
  readonly envelope?: Envelope;
  /** What the signatures of its envelope cover; absent without an envelope. */
  readonly transcript?: Uint8Array;
  /** As it was sealed, empty if the sender said none; `undefined` without a payload. */
  readonly contentType: string | undefined;
  /** Of an answer: its status and headers, and what opens the rest of it. */
  readonly answer?: OpenedAnswer;
  /** The signed request that came in the place of an envelope. */
  readonly signed?: SignedRequest;
  /** Whether it came in a session. */
  readonly inSession?: true;
  /** What its leaf is made of (docs/PROTOCOL.md, 18.9), where the service keeps leaves. */
  readonly leaf?: SessionLeaf;
}

/** The leaf of a request in a session, and what it is made of beside what the message says. */
export interface SessionLeaf {
  /** 32 bytes. */
  readonly leaf: Uint8Array;
  /** SHA-256 of the request as it was sealed, 32 bytes. */
  readonly plaintext: Uint8Array;
  /** 16 bytes. */
  readonly salt: Uint8Array;
}

/**
 * The order matters. What costs nothing comes first; nothing is written before the signature is known to be good, so
 * strangers can neither burn nonces nor fill the store; nothing is decrypted that will not be accepted.
 *
 * `instead` counts in place of what is the agent's own, for whichever of its identities the envelope is.
 */
export async function receive(
  agent: AgentContext,
  input: unknown,
  options: ReceiveRules,
  instead?: Pick<AgentContext, 'peers' | 'minVersion'>,
): Promise<Received> {
  const { onProgress } = options;
  const progress = onProgress && ((stage: ProgressEvent['stage']) => report(onProgress, stage));

  if (progress) await progress('parsing');
  const { first, maxEnvelopeBytes = agent.maxEnvelopeBytes } = options;
  const envelope = parseEnvelope(input, maxEnvelopeBytes, first?.payload);
  const { fields, suite } = envelope;
  const addressed = agent.succession?.contextOf(fields.to) ?? agent;
  const context = instead ? { ...addressed, ...instead } : addressed;
  const { crypto } = context.identity;

  if (progress) await progress('checking');
  checkAddress(context, envelope, options);
  const { arrivedAt = context.clock(), maxAgeMs } = options;
  checkTimestamp(fields.timestamp, arrivedAt, context.timestampWindowMs, maxAgeMs);
  const use = nonceUse(envelope, context, options);
  await assertNotReplayed(context, use);

  if (progress) await progress('resolving');
  const sender = await resolveSender(context, envelope);
  checkFloor(context, sender, suite);

  if (progress) await progress('verifying');
  const { peer } = sender;
  const mlDsa65 = suite.pqSignature ? await sender.peers.mlDsa65(peer) : undefined;
  const signers = { ed25519: peer.ed25519, mlDsa65 };
  const header = headerTranscript(envelope);
  const transcript = await verifySignatures(crypto, signers, envelope, header);
  options.onVerified?.(fields.from, sender.entry);

  if (progress) await progress('authorizing');
  const scopes = checkScopes(context, sender, fields, options);
  const keys = await keysFor(context, envelope);
  await options.admit?.(fields.from, sender.entry, fields.nonce);

  if (progress) await progress('claiming');
  const reservable = options.handle !== undefined;
  const claims = [await claimNonce(context, use, reservable)];
  rememberVersion(sender, suite);
  const { from, scope, request, nonce } = fields;
  options.onClaimed?.({
    sender: from,
    scope,
    envelopeId: nonce,
    ...(addressed === agent ? {} : { recipient: fields.to }),
    ...(request === undefined ? {} : { request }),
  });

  if (progress) await progress('decrypting');
  let isUsed = true; // by what cannot be opened, too
  try {
    const answer =
      fields.kind === 'answer'
        ? await openAnswer(crypto, { recipient: keys!, sender: signers }, envelope, header, first!.isFinal)
        : undefined;
    const opened = answer?.content ?? (await openPayload(crypto, keys, envelope, header));
    const gathered = isWhole(envelope)
      ? undefined
      : await context.shares!.gather(envelope, opened!, use, { reservable, onProgress });
    if (gathered) claims.push(gathered.settle);
    const content = gathered?.content ?? opened;
    const message = toMessage(envelope, content, scopes, gathered);
    if (addressed !== agent) message.recipient = fields.to;
    const more = answer ? { answer } : {};
    const received = {
      message,
      envelope: fields,
      transcript,
      content: content?.bytes,
      contentType: content?.contentType,
      ...more,
    };
    await options.judge?.(received, sender.entry, () => (isUsed = false));
    isUsed = false;
    await options.handle?.(message);
    isUsed = true;

    if (progress) await progress('complete');
    return received;
  } finally {
    for (const settle of claims) await settle(isUsed);
  }
}

const isWhole = ({ suite }: ParsedEnvelope): boolean => suite.form === 'message';

function checkAddress(
  { identity, minVersion, xchange, shares }: AgentContext,
  { fields, suite }: ParsedEnvelope,
  options: ReceiveRules,
): void {
  const { inReplyTo, request, kind = inReplyTo === undefined ? 'message' : 'answer' } = options;
  if (fields.to !== identity.did) throw xlinkError('RECIPIENT_MISMATCH', { field: 'to' });
  if (fields.kind !== kind) throw xlinkError('KIND_NOT_ACCEPTED', { field: 'kind' });
  if (suite.version < minVersion) throw xlinkError('VERSION_TOO_LOW', { field: 'version' });
  if (!suite.sealed && !options.allowCleartext) throw xlinkError('CLEARTEXT_NOT_ALLOWED', { field: 'suite' });
  if (inReplyTo !== undefined && fields.inReplyTo !== inReplyTo)
    throw xlinkError('ANSWER_INVALID', { field: 'inReplyTo' });
  if (suite.form === 'xchange' && !xchange) throw xlinkError('XCHANGE_REFUSED', { field: 'suite' });
  if (suite.form !== 'message' && (request !== undefined || !shares))
    throw xlinkError('SHARES_NOT_ACCEPTED', { field: 'suite' });
  if (request !== undefined)
    checkRequestBinding(fields.request, request, options.requireRequestBinding ?? false);
  else if (fields.request !== undefined && kind === 'message')
    throw xlinkError('REQUEST_BINDING_MISMATCH', { field: 'request' }); // it was made for a request that is not this one
}

/** Services that were called may answer; everybody else must be in the registry. */
async function resolveSender(
  { services, peers }: AgentContext,
  { fields }: ParsedEnvelope,
): Promise<ResolvedPeer> {
  const isReply = fields.kind === 'answer' || fields.kind === 'refusal';
  return (isReply && services.knows(fields.from) ? services : peers).resolve(fields.from, 'sender');
}

/** Of a request: the scopes it may use. Throws `SCOPE_…`. Whoever asked for an answer gets it, whatever the lists say. */
export function checkScopes(
  { receiveScopes }: AgentContext,
  { entry }: ResolvedPeer,
  { kind, scope }: Pick<AgentMessage, 'kind' | 'scope'>,
  { ownScope, alsoScope }: Pick<ReceiveRules, 'ownScope' | 'alsoScope'>,
): readonly Scope[] | undefined {
  if (kind !== 'message' && kind !== 'request') return undefined;
  if (ownScope !== undefined || isOwnScope(scope)) {
    if (scope !== ownScope && (ownScope !== undefined || scope !== alsoScope))
      throw xlinkError('SCOPE_NOT_ALLOWED', { field: 'scope' });
    return [scope];
  }
  if (scope === ALL_SCOPES)
    return scopesInForce(entry.sendScopes, receiveScopes).filter((each) => !isOwnScope(each));
  if (!grantsScope(entry.sendScopes, scope)) throw xlinkError('SCOPE_DENIED', { field: 'scope', scope });
  if (!acceptsScope(receiveScopes, scope)) throw xlinkError('SCOPE_NOT_ALLOWED', { field: 'scope' });
  return [scope];
}

/**
 * The message of a sender that still counts, with the scopes that it may use now: either may have changed while the rest of a
 * request was on the way. Throws what {@link receive} throws.
 */
export async function recheck(
  agent: AgentContext,
  message: AgentMessage,
  { admit, ...options }: Pick<ReceiveRules, 'ownScope' | 'admit'>,
): Promise<AgentMessage> {
  const { sender, envelopeId } = message;
  const peer = await agent.peers.resolve(sender, 'sender');
  const scopes = checkScopes(agent, peer, message, options);
  await admit?.(sender, peer.entry, envelopeId);
  return { ...message, ...given({ scopes }) };
}

/** The keys that an envelope is sealed to. Asked before the nonce is claimed: a sender that reads the record again may seal anew. */
async function keysFor({ keyRing }: AgentContext, { suite, fields }: ParsedEnvelope) {
  if (!suite.agreed) return undefined;
  const keys = await keyRing.find(fields.keyEpoch!);
  if (!keys) throw xlinkError('KEY_EPOCH_UNKNOWN', { field: 'keyEpoch' });
  return keys;
}

/** Who takes Xchange has said so, and it has one version only. */
function checkFloor(
  { identity, versionFloor }: AgentContext,
  { peer }: ResolvedPeer,
  { version, form }: Suite,
): void {
  if (form === 'xchange') return;
  const onRecord =
    versionFloor === 'record' && peer.record ? Math.min(recordVersion(peer.record), identity.maxVersion) : 1;
  if (version < Math.max(onRecord, peer.shownVersion))
    throw xlinkError('VERSION_TOO_LOW', { field: 'version' });
}

function rememberVersion({ peer }: ResolvedPeer, { version, form }: Suite): void {
  if (form !== 'xchange') peer.shownVersion = Math.max(peer.shownVersion, version) as Version;
}

/** The answer to a request of this process cannot have been received by a previous one, so its age does not count. */
const nonceUse = ({ fields }: ParsedEnvelope, { clock }: AgentContext, options: ReceiveRules): NonceUse => ({
  recipient: fields.to,
  sender: fields.from,
  nonce: fields.nonce,
  timestamp: options.inReplyTo === undefined ? fields.timestamp : clock(),
});

function toMessage(
  { fields, suite }: ParsedEnvelope,
  content: Content | undefined,
  scopes: readonly Scope[] | undefined,
  gathered: Gathered | undefined,
): Writable<AgentMessage> {
  const { kind } = fields;
  const contentType = fields.contentType ?? content?.contentType;
  const message: Writable<AgentMessage> = {
    kind,
    sender: fields.from,
    payload: payloadOf(kind, content),
    scope: fields.scope,
    version: suite.version,
    encrypted: suite.sealed,
    timestamp: fields.timestamp,
    envelopeId: gathered?.groupId ?? fields.nonce,
  };
  if (kind === 'request' && scopes) message.scopes = scopes;
  if (content?.headers) message.headers = content.headers;
  for (const name of IF_PRESENT) if (fields[name] !== undefined) message[name] = fields[name];
  if (contentType) message.contentType = contentType;
  if (gathered) message.shares = gathered.shares;
  if (suite.form === 'xchange') message.xchange = true;
  return message;
}

/** Members of an envelope that a message has under the same name. */
const IF_PRESENT = ['request', 'fields', 'fieldsDigest', 'contentDigest', 'inReplyTo'] as const;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What is no JSON is handed over as it is; the body of a request is for the parsers of the API to judge. */
function payloadOf(kind: Kind, content: Content | undefined): unknown {
  if (content === undefined) return undefined;
  if (kind === 'answer' || !isJsonType(content.contentType)) return content.bytes;
  try {
    return decodePayload(content.bytes);
  } catch (error) {
    if (kind === 'request') return content.bytes;
    throw error;
  }
}
