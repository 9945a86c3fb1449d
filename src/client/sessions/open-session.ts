import { defaultProvider } from '#provider';
import { DEFAULT_DISCOVERY_TIMEOUT_MS } from '../../discovery/options.js';
import { xlinkError } from '../../errors/errors.js';
import { withDeadline } from '../../http/abort.js';
import { SESSION_SCOPE } from '../../http/session-headers.js';
import { makeOffer } from '../../session/handshake/offer.js';
import { offerPayload, readGrant } from '../../session/handshake/payloads.js';
import { MAX_SEQUENCE } from '../../session/protocol.js';
import type { Session } from '../../session/schedule/master.js';
import type { Scope } from '../../types/protocol.js';
import { encodeBase64url } from '../../util/base64url.js';
import type { CalleeSealing } from '../seal-request.js';
import { HeldCheckpoints } from './held-checkpoints.js';
import { signedPost } from './signed-post.js';

/** A session as its caller keeps it: in memory only. */
export interface HeldSession extends Session {
  /** Another one after each checkpoint. */
  ticket: Uint8Array;
  /** Id as text. */
  readonly id: string;
  /** Scopes that need an envelope. */
  readonly never: ReadonlySet<Scope>;
  /** From then on another one is opened, while this one is still good; ms since 1970 by the caller's clock. */
  readonly renewAt: number;
  /** When it is over. */
  readonly endsAt: number;
  /** Number of the next request. */
  next: number;
  /** What is to be signed; absent if the service does not ask for that. */
  readonly checkpoints: HeldCheckpoints | undefined;
}

/** Whether it is to be replaced soon, and whether it can still be used. */
export const isAging = ({ renewAt, next }: HeldSession, now: number): boolean =>
  now >= renewAt || next >= 0.9 * MAX_SEQUENCE;
export const isGood = ({ endsAt, next }: HeldSession, now: number): boolean =>
  now < endsAt && next < MAX_SEQUENCE;

/** What a session is opened with. */
export interface HandshakeMeans {
  readonly fetch: typeof fetch;
  readonly timeoutMs: number | undefined;
}

/** The same, and with whom. */
export interface HandshakeParts extends HandshakeMeans, Pick<CalleeSealing, 'agent' | 'service' | 'version'> {
  /** What a caller said to `fetch`, who waits for it. */
  readonly init: RequestInit;
}

/** One signed exchange of fresh keys. Rejects if it fails, for whatever reason: envelopes go on. */
export async function openSession(parts: HandshakeParts): Promise<HeldSession> {
  const { timeoutMs = DEFAULT_DISCOVERY_TIMEOUT_MS } = parts;
  const expired = () => xlinkError('NETWORK_ERROR', { cause: new Error('no session within the time') });
  return withDeadline(timeoutMs, expired, (signal) => shakeHands(parts, signal));
}

async function shakeHands(parts: HandshakeParts, signal: AbortSignal): Promise<HeldSession> {
  const crypto = defaultProvider();
  const askedAt = await parts.agent.now();
  const pending = await makeOffer(crypto);
  const url = new URL(parts.service.endpoints.session!);
  const content = JSON.stringify(offerPayload(pending.offer));
  const reply = await signedPost(crypto, parts, { url, scope: SESSION_SCOPE, content }, signal);
  const grant = readGrant(reply.value);
  if (!grant) throw xlinkError('ANSWER_INVALID', { field: 'payload' });
  const session = await pending.accept(grant, reply);
  const { lifetimeMs, checkpoint, offerHash } = grant;
  return {
    ...session,
    ticket: grant.ticket,
    id: encodeBase64url(grant.sid),
    never: new Set(grant.never),
    renewAt: askedAt + lifetimeMs - Math.min(60_000, lifetimeMs / 10),
    endsAt: askedAt + lifetimeMs,
    next: 0,
    checkpoints: checkpoint && new HeldCheckpoints(checkpoint, offerHash, askedAt),
  };
}
