import type { AgentContext } from '../agent/context.js';
import type { ResolvedPeer } from '../agent/peers.js';
import { checkScopes, type Received, type ReceiveRules, type SessionLeaf } from '../agent/receive.js';
import { checkTimestamp, nonceTtlMs } from '../checks/timestamp.js';
import { EMPTY } from '../crypto/bytes.js';
import { decodePayload, isJsonType } from '../envelope/plaintext.js';
import { isXlinkError, xlinkError } from '../errors/service-errors.js';
import type { BodySource } from '../http/body-source.js';
import type { AgentMessage, Scope } from '../types/protocol.js';
import { type Awaitable, later, orElse } from '../util/awaitable.js';
import { given } from '../util/given.js';
import { assertInSigned } from './checkpoint/due.js';
import { seenRequest, witnessed } from './checkpoint/seen-request.js';
import type { Credential } from './credential.js';
import { type OpenedRequest, openRequest } from './open-request.js';
import { type OpenedStream, openStream } from './open-stream.js';
import type { SequenceStore, SequenceUse } from './ports.js';
import type { SessionKind } from './protocol.js';
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
  readonly readBody: () => Awaitable<Uint8Array>;
  /** Its body as it comes; absent, or `undefined`, where it is to be read whole. */
  readonly openBody?: (() => BodySource | undefined) | undefined;
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
 * signatures. Throws what is wrong with it. At once, without a promise, where the session is open, and so is all that is asked for.
 */
export function hear(
  sessions: Sessions,
  arrived: SessionRequest,
  kind: SessionKind,
  onVerified: SessionHearing['onVerified'],
): Awaitable<Heard> {
  const { credential: text, arrivedAt, readBody, openBody } = arrived;
  return later(sessions.context(), (own) =>
    later(sessions.of(text), ({ session, credential }) => {
      const context = own.succession?.contextOf(session.to) ?? own;
      checkTimestamp(credential.timestamp, arrivedAt, context.timestampWindowMs);
      const source = credential.sealed ? undefined : openBody?.();
      return later(source ? EMPTY : readBody(), (body) =>
        later(context.peers.resolve(session.from, 'sender'), (sender) => {
          assertStrong(context, sender.peer.record, session);
          const known = { session, credential, sender, context };
          return later(opened(known, arrived, kind, source ?? body), (found) => {
            onVerified?.(session.from, sender.entry);
            return { ...known, ...found, recipient: context === own ? {} : { recipient: session.to } };
          });
        }),
      );
    }),
  );
}

type Opened = Pick<Heard, 'digest' | 'opened'>;

function opened(
  { session, credential, context }: Pick<Heard, 'session' | 'credential' | 'context'>,
  { request, readBody }: SessionRequest,
  kind: SessionKind,
  body: Uint8Array | BodySource,
): Awaitable<Opened> {
  const { crypto } = context.identity;
  return later(requestDigest(crypto, session, credential, request, kind), (digest): Awaitable<Opened> => {
    const whole = (bytes: Uint8Array) =>
      later(openRequest(crypto, session, digest, credential, bytes, kind), (opened) => ({ digest, opened }));
    if (body instanceof Uint8Array) return whole(body);
    return later(openStream(crypto, session, digest, body), (stream): Awaitable<Opened> => {
      if (stream) return { digest, opened: stream };
      body.restore();
      return later(readBody(), whole);
    });
  });
}

/** Receives a request of a session. Throws what is wrong with it. */
export function receiveInSession(
  sessions: Sessions,
  arrived: SessionRequest,
  hearing: SessionHearing,
): Awaitable<Received> {
  return later(hear(sessions, arrived, 'request', hearing.onVerified), (heard) => {
    const { session, credential, sender, context } = heard;
    const { from, id } = session;
    const { seq, timestamp, scope } = credential;
    const scopes = checkScopes(context, sender, { kind: 'request', scope }, {})!;
    return later(hearing.admit?.(from, sender.entry, `${id}.${seq}`), () => {
      assertInSigned(sessions.rules, session, seq);
      const use = { sender: from, sid: id, seq, timestamp, ...hearing.claimant?.() };
      return later(claim(context, sessions.rules.sequences, use), () =>
        handedOver(sessions, heard, arrived, scopes, hearing.onClaimed),
      );
    });
  });
}

/** What is received of a request whose number is its own from now on. */
function handedOver(
  { rules }: Sessions,
  { session, credential, digest, opened, context, recipient }: Heard,
  { request }: SessionRequest,
  granted: readonly Scope[],
  onClaimed: SessionHearing['onClaimed'],
): Awaitable<Received> {
  const { content, tag, stream } = opened;
  const { from: sender, id, version } = session;
  const { seq, salt, timestamp, scope, sealed } = credential;
  const { crypto } = context.identity;
  const { never } = rules;
  const envelopeId = `${id}.${seq}`;
  const seen = seenRequest(rules, crypto, session, { seq, digest, content });
  const inSession = (kind: 'answer' | 'refusal') =>
    witnessed(seen, sealReply(crypto, session, { digest, tag }, kind));
  onClaimed?.({ sender, scope, envelopeId, request, ...recipient, inSession });
  const received = (leaf?: Omit<SessionLeaf, 'salt'>): Received => {
    if (never.has(scope)) throw xlinkError('SESSION_NOT_ALLOWED', { field: 'scope', scope });
    const { bytes, contentType } = content;
    const message: AgentMessage = {
      kind: 'request',
      sender,
      payload: stream ? undefined : payloadOf(bytes, contentType),
      scope,
      scopes: never.size === 0 ? granted : granted.filter((one) => !never.has(one)),
      headers: content.headers!,
      version,
      encrypted: true,
      timestamp,
      envelopeId,
      request,
      ...(contentType === '' ? {} : { contentType }),
      ...recipient,
    };
    const isElsewhere = stream || (bytes.length === 0 && sealed !== undefined);
    const whole: Received = {
      message,
      content: isElsewhere ? undefined : bytes,
      contentType,
      inSession: true,
    };
    if (!leaf && !stream) return whole;
    return { ...whole, ...given({ leaf: leaf && { ...leaf, salt }, stream }) };
  };
  return seen ? seen.keep().then(async () => received(await seen.leaf())) : received();
}

/** Throws `REPLAY_DETECTED` for a number that was used, and `NONCE_STORE_UNAVAILABLE…` where that cannot be told. `ttlMs`: kept for so long at least. */
export function claim(
  { timestampWindowMs, maxAgeMs }: AgentContext,
  sequences: SequenceStore,
  use: SequenceUse,
  ttlMs = 0,
): Awaitable<void> {
  const keptMs = Math.max(ttlMs, nonceTtlMs(timestampWindowMs, maxAgeMs));
  const asked = orElse<unknown>(() => sequences.claimSequence(use, keptMs), unavailable);
  return later(asked, (isFirst) => {
    if (typeof isFirst !== 'boolean')
      unavailable(new TypeError('a sequence store must answer true or false'));
    if (!isFirst) throw xlinkError('REPLAY_DETECTED', { field: 'seq' });
  });
}

function unavailable(cause: unknown): never {
  throw isXlinkError(cause) ? cause : xlinkError('NONCE_STORE_UNAVAILABLE', { cause });
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
