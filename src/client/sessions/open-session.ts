import { defaultProvider } from '#provider';
import { DEFAULT_DISCOVERY_TIMEOUT_MS } from '../../discovery/options.js';
import { parseEnvelope } from '../../envelope/parse.js';
import { headerTranscript, signatureTranscript } from '../../envelope/transcript.js';
import { xlinkError } from '../../errors/errors.js';
import { withDeadline } from '../../http/abort.js';
import { DIRECT } from '../../http/fetch.js';
import { ANSWER_TYPE } from '../../http/media-type.js';
import { SESSION_SCOPE } from '../../http/session-headers.js';
import { makeOffer } from '../../session/handshake/offer.js';
import { offerPayload, readGrant } from '../../session/handshake/payloads.js';
import { MAX_SEQUENCE } from '../../session/protocol.js';
import type { Session } from '../../session/schedule/master.js';
import type { Scope } from '../../types/protocol.js';
import { encodeBase64url } from '../../util/base64url.js';
import { encodeUtf8 } from '../../util/utf8.js';
import type { BufferedRequest } from '../buffered-request.js';
import { openResponse } from '../open-response.js';
import { type Sealing, sealRequest } from '../seal-request.js';

/** A session as its caller keeps it: in memory only. */
export interface HeldSession extends Session {
  readonly ticket: Uint8Array;
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
export interface HandshakeParts extends HandshakeMeans, Pick<Sealing, 'agent' | 'service' | 'version'> {
  /** What a caller said to `fetch`, who waits for it. */
  readonly init: RequestInit;
}

/** One signed exchange of fresh keys. Rejects if it fails, for whatever reason: envelopes go on. */
export async function openSession(parts: HandshakeParts): Promise<HeldSession> {
  const { timeoutMs = DEFAULT_DISCOVERY_TIMEOUT_MS } = parts;
  const expired = () => xlinkError('NETWORK_ERROR', { cause: new Error('no session within the time') });
  return withDeadline(timeoutMs, expired, (signal) => shakeHands(parts, signal));
}

async function shakeHands(
  { agent, service, version, fetch: fetch_, init }: HandshakeParts,
  signal: AbortSignal,
): Promise<HeldSession> {
  const crypto = defaultProvider();
  const askedAt = await agent.now();
  const pending = await makeOffer(crypto);
  const body = encodeUtf8(JSON.stringify(offerPayload(pending.offer)));
  const asked = postOf(new URL(service.endpoints.session!), body, signal);
  const headers = new Headers({ Accept: ANSWER_TYPE, 'Content-Type': 'application/json' });
  const sealed = await sealRequest(asked, headers, { agent, service, version, scope: SESSION_SCOPE });
  const response = await fetch_(asked.url.href, {
    ...init,
    ...DIRECT,
    method: 'POST',
    headers: sealed.headers,
    body: sealed.body!,
    signal,
  });
  const { response: opened, refusal } = await openResponse(response, sealed, {
    agent,
    service,
    signal,
    maxBytes: 65_536,
  });
  if (opened.status !== 200 || refusal) throw xlinkError('ANSWER_INVALID', { field: 'status' });
  const grant = readGrant(await opened.json());
  if (!grant) throw xlinkError('ANSWER_INVALID', { field: 'payload' });
  const envelope = parseEnvelope(sealed.body);
  const transcript = await signatureTranscript(crypto, envelope, headerTranscript(envelope));
  const { from, to } = envelope.fields;
  const session = await pending.accept(grant, { from, to, transcript });
  const { lifetimeMs } = grant;
  return {
    ...session,
    ticket: grant.ticket,
    id: encodeBase64url(grant.sid),
    never: new Set(grant.never),
    renewAt: askedAt + lifetimeMs - Math.min(60_000, lifetimeMs / 10),
    endsAt: askedAt + lifetimeMs,
    next: 0,
  };
}

/** What is sealed like a call, and is none. */
const postOf = (url: URL, body: Uint8Array, signal: AbortSignal): BufferedRequest => ({
  request: new Request(url, { method: 'POST' }),
  carrier: undefined,
  url,
  method: 'POST',
  body: new Uint8Array(body),
  signal,
  init: {},
  takesPlain: false,
});
