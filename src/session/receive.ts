import type { AgentContext } from '../agent/context.js';
import type { ResolvedPeer } from '../agent/peers.js';
import { checkScopes, type Received, type ReceiveRules } from '../agent/receive.js';
import { checkTimestamp, nonceTtlMs } from '../checks/timestamp.js';
import { EMPTY } from '../crypto/bytes.js';
import { decodePayload, isJsonType } from '../envelope/plaintext.js';
import { isXlinkError, xlinkError } from '../errors/service-errors.js';
import type { BodySource } from '../http/body-source.js';
import type { AgentMessage } from '../types/protocol.js';
import { given } from '../util/given.js';
import { assertInSigned } from './checkpoint/due.js';
import { seenRequest, witnessed } from './checkpoint/seen-request.js';
import type { Credential } from './credential.js';
import { type OpenedRequest, openRequest } from './open-request.js';
import { type OpenedStream, openStream } from './open-stream.js';
import type { SequenceStore, SequenceUse } from './ports.js';
import type { SessionKind } from './protocol.js';
import { decodeCredential } from './read-credential.js';
import { requestDigest } from './request.js';
import { sealReply } from './seal-reply.js';
import { assertStrong, type OpenSession, type Sessions } from './sessions.js';

/** A request or message that came in a session. */
export interface SessionRequest {
  /** What is in its header, without a scheme. */
  readonly credential: string;
  /** What it is bound to, from `requestBinding()`. */
  readonly request: string;
  /** When its head arrived, in ms since 1970. */
  readonly arrivedAt: number;
  /** Reads its body, once it is known that its session is. */
  readonly readBody: () => Promise<Uint8Array>;
  /** Its body as it comes; absent, or `undefined`, where it is to be read whole. */
  readonly openBody?: () => BodySource | undefined;
}

/** Whose number it is: the first DID of a line of successors, so that a request and what takes its place meet, and the client. */
export type Claimant = Pick<SequenceUse, 'sender' | 'client'>;

export interface SessionHearing extends Pick<ReceiveRules, 'onVerified' | 'admit' | 'onClaimed'> {
  /** Under whose name a number is claimed, asked once the sender was admitted. Absent: under that of its DID. */
  readonly claimant?: () => Claimant | undefined;
}

/** What came in a session, once it is known that its sender sealed it. */
export interface Heard {
  readonly session: OpenSession;
  readonly credential: Credential;
  readonly digest: Uint8Array;
  readonly opened: OpenedRequest & Partial<Pick<OpenedStream, 'stream'>>;
  readonly sender: ResolvedPeer;
  /** That of the identity that it is for. */
  readonly context: AgentContext;
  /** The DID of that, where it is not the agent's own. */
  readonly recipient: Pick<AgentMessage, 'recipient'>;
}

/**
 * Opens what came in a session: the checks of an envelope in the same order, but that a tag under keys of both sides is in the place of
 * signatures. Throws what is wrong with it.
 */
export async function hear(
  sessions: Sessions,
  { credential: text, request, arrivedAt, readBody, openBody }: SessionRequest,
  kind: SessionKind,
  onVerified: SessionHearing['onVerified'],
): Promise<Heard> {
  const own = await sessions.context();
  const credential = decodeCredential(text);
  const session = await sessions.of(credential, text);
  const { from, to } = session;
  const context = own.succession?.contextOf(to) ?? own;
  checkTimestamp(credential.timestamp, arrivedAt, context.timestampWindowMs);
  const source = credential.sealed ? undefined : openBody?.();
  const body = source ? EMPTY : await readBody();

  const sender = await context.peers.resolve(from, 'sender');
  assertStrong(context, sender.peer.record, session);
  const { crypto } = context.identity;
  const digest = await requestDigest(crypto, session, credential, request, kind);
  const opened =
    (source && (await openStream(crypto, session, digest, source))) ??
    (await openRequest(
      crypto,
      session,
      digest,
      credential,
      source ? await readWhole(source, readBody) : body,
      kind,
    ));
  onVerified?.(from, sender.entry);
  const recipient = context === own ? {} : { recipient: to };
  return { session, credential, digest, opened, sender, context, recipient };
}

const readWhole = (source: BodySource, readBody: () => Promise<Uint8Array>): Promise<Uint8Array> => {
  source.restore();
  return readBody();
};

/** Receives a request of a session. Throws what is wrong with it. */
export async function receiveInSession(
  sessions: Sessions,
  arrived: SessionRequest,
  { onVerified, admit, onClaimed, claimant }: SessionHearing,
): Promise<Received> {
  const heard = await hear(sessions, arrived, 'request', onVerified);
  const { session, credential, digest, opened, sender, context, recipient } = heard;
  const { content, tag, stream } = opened;
  const { from, id, version } = session;
  const { seq, timestamp, scope } = credential;
  const { request } = arrived;
  const { crypto } = context.identity;

  const { never, sequences } = sessions.rules;
  const scopes = checkScopes(context, sender, { kind: 'request', scope }, {})!;
  const envelopeId = `${id}.${seq}`;
  await admit?.(from, sender.entry, envelopeId);
  assertInSigned(sessions.rules, session, seq);
  await claim(context, sequences, {
    sender: from,
    sid: id,
    seq,
    timestamp,
    ...claimant?.(),
  });
  const seen = seenRequest(sessions.rules, crypto, session, { seq, digest, content });
  const inSession = (kind: 'answer' | 'refusal') =>
    witnessed(seen, sealReply(crypto, session, { digest, tag }, kind));
  onClaimed?.({ sender: from, scope, envelopeId, request, ...recipient, inSession });
  await seen?.keep();
  if (never.has(scope)) throw xlinkError('SESSION_NOT_ALLOWED', { field: 'scope', scope });

  const { contentType } = content;
  const message: AgentMessage = {
    kind: 'request',
    sender: from,
    payload: stream ? undefined : payloadOf(content.bytes, contentType),
    scope,
    scopes: never.size === 0 ? scopes : scopes.filter((one) => !never.has(one)),
    headers: content.headers!,
    version,
    encrypted: true,
    timestamp,
    envelopeId,
    request,
    ...(contentType === '' ? {} : { contentType }),
    ...recipient,
  };
  const isElsewhere = stream || (content.bytes.length === 0 && credential.sealed !== undefined);
  const leaf = seen && { leaf: { ...(await seen.leaf()), salt: credential.salt } };
  const bytes = isElsewhere ? undefined : content.bytes;
  return { message, content: bytes, contentType, inSession: true, ...leaf, ...given({ stream }) };
}

/** Throws `REPLAY_DETECTED` for a number that was used, and `NONCE_STORE_UNAVAILABLE…` where that cannot be told. `ttlMs`: kept for so long at least. */
export async function claim(
  { timestampWindowMs, maxAgeMs }: AgentContext,
  sequences: SequenceStore,
  use: SequenceUse,
  ttlMs = 0,
): Promise<void> {
  let isFirst: unknown;
  try {
    const asked = sequences.claimSequence(use, Math.max(ttlMs, nonceTtlMs(timestampWindowMs, maxAgeMs)));
    isFirst = typeof asked === 'boolean' ? asked : await asked;
    if (typeof isFirst !== 'boolean') throw new TypeError('a sequence store must answer true or false');
  } catch (cause) {
    throw isXlinkError(cause) ? cause : xlinkError('NONCE_STORE_UNAVAILABLE', { cause });
  }
  if (!isFirst) throw xlinkError('REPLAY_DETECTED', { field: 'seq' });
}

function payloadOf(bytes: Uint8Array, contentType: string): unknown {
  if (bytes.length === 0) return undefined;
  if (!isJsonType(contentType)) return bytes;
  try {
    return decodePayload(bytes);
  } catch {
    return bytes; // for the parsers of the API to judge
  }
}
