import type { AgentContext } from '../agent/context.js';
import type { ServiceAgent } from '../agent/service-agent.js';
import { recordVersion } from '../envelope/negotiate.js';
import { xlinkError } from '../errors/service-errors.js';
import type { AgentMessage, Clock, Scope } from '../types/protocol.js';
import { type Awaitable, later } from '../util/awaitable.js';
import { unref } from '../util/backoff.js';
import { encodeBase64url } from '../util/base64url.js';
import { BoundedMap } from '../util/bounded-map.js';
import { ownText } from '../util/own-text.js';
import type { CheckpointRules } from './checkpoint/ports.js';
import { type Credential, FRONT_CHARACTERS } from './credential.js';
import { acceptOffer } from './handshake/accept.js';
import { grantPayload, readOffer } from './handshake/payloads.js';
import type { SequenceStore, TicketKeyStore } from './ports.js';
import { type CredentialFront, decodeCredential, decodeFront } from './read-credential.js';
import { type Session, sessionOf } from './schedule/master.js';
import type { TicketState } from './ticket/layout.js';
import { TicketRing } from './ticket/ring.js';
import { openTicket, sealTicket } from './ticket/ticket.js';

/** How a service keeps sessions. */
export interface SessionRules {
  /** How long a session is good, in ms. */
  readonly lifetimeMs: number;
  /** Scopes that no request of a session may use. */
  readonly never: ReadonlySet<Scope>;
  readonly sequences: SequenceStore;
  /** Absent: the keys of tickets are in the memory of this process. */
  readonly tickets: TicketKeyStore | undefined;
  /** Absent: callers need not sign what they sent. */
  readonly checkpoints?: CheckpointRules | undefined;
  readonly clock: Clock;
}

/** A session whose ticket was opened. */
export interface OpenSession extends Session, Pick<TicketState, 'version' | 'notAfter' | 'mark'> {
  /** Its id as text. */
  readonly id: string;
}

/** By the beginning of a header: what that says, and the session of its ticket. */
interface OpenTicket {
  readonly front: CredentialFront;
  readonly session: OpenSession;
}

/** How often keys and sessions that are over are looked for, in ms. */
const FORGET_EVERY_MS = 60_000;
/** Sessions that are kept open at a time, some 1 KiB each: the ticket of another one is opened again. */
const MAX_OPEN = 10_000;

/** The sessions of a service. What is kept of them is with their callers, in tickets; here are those that were used lately. */
export class Sessions {
  readonly rules: SessionRules;
  readonly #agent: ServiceAgent;
  readonly #open = new BoundedMap<string, OpenTicket>(MAX_OPEN);
  #ring: TicketRing | undefined;
  #isForgetting = false;

  constructor(agent: ServiceAgent, rules: SessionRules) {
    this.#agent = agent;
    this.rules = rules;
  }

  /** What the agent works with. */
  context(): Awaitable<AgentContext> {
    return this.#agent.forSessions();
  }

  /** The answer to a verified offer. Throws `SESSION_OFFER_INVALID`, or `SESSION_STORE_UNAVAILABLE`. */
  async grant(
    { sender: from, recipient, payload, version }: AgentMessage,
    transcript: Uint8Array,
  ): Promise<{ readonly payload: unknown; readonly notAfter: number }> {
    const offer = readOffer(payload);
    if (!offer) throw xlinkError('SESSION_OFFER_INVALID', { field: 'payload' });
    const { identity } = await this.context();
    const { crypto } = identity;
    const { clock, lifetimeMs, never, checkpoints } = this.rules;
    const to = recipient ?? identity.did;
    const key = await (await this.#keys()).current();
    const { master, grant } = await acceptOffer(crypto, offer, { from, to, transcript });
    const issuedAt = clock();
    const notAfter = issuedAt + lifetimeMs;
    const mark = { next: 0, count: 0, at: issuedAt, head: grant.offerHash };
    const state = { sid: grant.sid, from, to, version, master, issuedAt, notAfter, mark };
    const ticket = await sealTicket(crypto, key, state);
    master.fill(0);
    const told = { ...grant, ticket, lifetimeMs, never: [...never], checkpoint: checkpoints?.limits };
    return { payload: grantPayload(told), notAfter };
  }

  /**
   * The session of a request, and what its header says. Throws `SESSION_MALFORMED`, `SESSION_SEQUENCE_INVALID`, `SESSION_UNKNOWN…`,
   * `SESSION_EXPIRED`, or `RECIPIENT_MISMATCH` for a session with an identity that is not of this agent.
   */
  of(header: string): Awaitable<Pick<OpenTicket, 'session'> & { readonly credential: Credential }> {
    const text = header.slice(0, FRONT_CHARACTERS);
    const known = this.#open.get(text);
    const front = known?.front ?? decodeFront(text);
    const credential = decodeCredential(header, front);
    return later(known ?? this.#opened(front, text), ({ session }) => {
      if (this.rules.clock() > session.notAfter) throw xlinkError('SESSION_EXPIRED', { field: 'ticket' });
      return { session, credential };
    });
  }

  async #opened(front: CredentialFront, text: string): Promise<OpenTicket> {
    const { identity } = await this.context();
    const { sid, from, to, version, master, notAfter, mark } = await this.stateOf(front.ticket);
    const opened = await sessionOf(identity.crypto, { sid, from, to }, master);
    master.fill(0);
    const session = { ...opened, id: encodeBase64url(sid), version, notAfter, mark };
    const ticket = { front, session };
    this.#open.set(ownText(text), ticket);
    return ticket;
  }

  /** What a ticket says. Throws as {@link Sessions.of}, but for its time. Erase `master`. */
  async stateOf(ticket: Uint8Array): Promise<TicketState> {
    const { identity, succession } = await this.context();
    const ring = await this.#keys();
    const state = await openTicket(identity.crypto, await ring.find(ticket), ticket);
    const { to } = state;
    if (to !== identity.did && !succession?.contextOf(to))
      throw xlinkError('RECIPIENT_MISMATCH', { field: 'ticket' });
    return state;
  }

  /** A ticket for a session that goes on. */
  async renew(state: TicketState): Promise<Uint8Array> {
    const { identity } = await this.context();
    return sealTicket(identity.crypto, await (await this.#keys()).current(), state);
  }

  async #keys(): Promise<TicketRing> {
    const { identity } = await this.context();
    const { clock, lifetimeMs, tickets: store } = this.rules;
    this.#ring ??= new TicketRing({ identity, clock, lifetimeMs, store });
    if (!this.#isForgetting) this.#forgetLater();
    return this.#ring;
  }

  /** Within a minute of their end, whether or not there are requests: what a ticket key opens is to be over with it. */
  #forgetLater(): void {
    this.#isForgetting = true;
    const timer = setTimeout(() => {
      this.#isForgetting = false;
      if (this.forgetOver()) this.#forgetLater();
    }, FORGET_EVERY_MS);
    unref(timer);
  }

  /** Forgets keys and sessions that are over. Whether there is more to forget later. */
  forgetOver(): boolean {
    const now = this.rules.clock();
    this.#open.removeIf(({ session }) => session.notAfter < now);
    return this.#ring?.forgetOver() ?? false;
  }
}

/** Throws `SESSION_STALE` for a session that was opened with weaker signatures than its caller must use by now. */
export function assertStrong(
  { identity, minVersion, versionFloor }: AgentContext,
  record: Parameters<typeof recordVersion>[0] | undefined,
  { version }: Pick<OpenSession, 'version'>,
): void {
  const onRecord =
    versionFloor === 'record' && record ? Math.min(recordVersion(record), identity.maxVersion) : 1;
  if (version < Math.max(minVersion, onRecord)) throw xlinkError('SESSION_STALE', { field: 'version' });
}
