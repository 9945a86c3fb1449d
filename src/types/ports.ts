import type { Result } from '../errors/result.js';
import type { Awaitable } from '../util/awaitable.js';
import type { Authentication } from './events.js';
import type {
  ClientId,
  Did,
  Envelope,
  KeyRecord,
  Registration,
  RegistryEntry,
  Scope,
  Succession,
} from './protocol.js';

/** The part of a trust registry that agents need. */
export interface TrustRegistry {
  /** The entry, revoked or not, or `undefined`. A throw or rejection means the registry is down: nothing is accepted. */
  lookup(did: Did): Awaitable<RegistryEntry | undefined>;
  /** Adds an entry. Fails with `REGISTRATION_FAILED:ALREADY_REGISTERED` if the DID has one. */
  register(entry: Registration): Awaitable<Result<void>>;
  /** Replaces the key record; refused unless its epoch is higher. */
  updateKeys(keys: KeyRecord): Awaitable<Result<void>>;
  /**
   * Optional. Puts one DID in the place of another: the new one gets the rights of the old one, and `keys`, its key record. The
   * first one that is accepted wins; another fails with `SUCCESSION_CONFLICT`. The same once more changes nothing.
   */
  succeed?(succession: Succession, keys: KeyRecord): Awaitable<Result<void>>;
}

/** Names one use of one envelope. */
export interface NonceUse {
  /** The DID that received the envelope. */
  readonly recipient: Did;
  /** The DID that signed it. */
  readonly sender: Did;
  /** The envelope's nonce, 16 bytes as base64url. */
  readonly nonce: string;
  /** When the envelope was made, ms since 1970. */
  readonly timestamp: number;
}

/** Remembers which envelopes were received. A throw or rejection means it is down: nothing is accepted. */
export interface NonceStore {
  /** Optional. `false` of a store that one process alone can use, such as a file. Default: others may share it. */
  readonly isShared?: boolean;
  /** Whether the nonce was claimed. Reads only: called before the signature is checked. */
  seen(use: NonceUse): Awaitable<boolean>;
  /**
   * Claims the nonce for at least `ttlMs`, atomically: of any number of simultaneous calls exactly one gets `true`.
   * Called after signature and scope were checked.
   */
  claim(use: NonceUse, ttlMs: number): Awaitable<boolean>;
  /**
   * Optional, with {@link NonceStore.settle}. As `claim`, but the nonce is free again if this process ends before it is
   * settled: for a message whose handler may be interrupted. No other call gets it meanwhile.
   */
  reserve?(use: NonceUse, ttlMs: number): Awaitable<boolean>;
  /** Ends a reservation: `claimed` makes it lasting, as `claim` would have; otherwise the nonce is free again. */
  settle?(use: NonceUse, ttlMs: number, claimed: boolean): Awaitable<void>;
}

/** Delivers envelopes. The extension point for other ways to deliver them; docs/transports.md says what it must keep to. */
export interface Transport {
  /**
   * Resolves to a success once the other side, or a relay that keeps it, has the envelope. Never rejects. A transport
   * whose envelope was refused unread may deliver `again()` instead: the same message, sealed anew under a new nonce. With
   * `onReceipt` the sender asks for a receipt, or what the recipient can do: a transport that can brings the answer back before it resolves, or later
   * (see `receipts`).
   */
  send(
    envelope: Envelope,
    to: Did,
    again?: () => Promise<Envelope>,
    onReceipt?: (receipt: Envelope) => void,
  ): Promise<Result<void>>;
  /**
   * Every handler gets every envelope, and the HTTP request it came with where the transport is given one. One that rejects
   * has not taken it: a transport that can brings it again.
   */
  onReceive(handler: (envelope: Envelope, arrival?: Arrival) => Awaitable<void>): void;
  /** Stops at once. Nothing is received or sent after that. */
  dispose(): void;
  /** Optional. Envelopes for this DID that were sent before anything received them; for transports within one process. */
  backlog?(to: Did): readonly Envelope[];
  /** Optional. Told the agent that uses it, once, while that is constructed. */
  attach?(agent: TransportUser): void;
  /**
   * Optional. The HTTP request that messages are bound to, from `requestBinding()`, for a transport that knows the URL at
   * which the recipient takes them. Whole messages only: shares of one travel over several transports.
   */
  readonly binding?: string;
  /** Optional. `later`: receipts of what it sends come as envelopes of kind `receipt` to `onReceive`, after `send` has resolved. */
  readonly receipts?: 'later';
  /**
   * Optional. How messages for this recipient may travel in a session, once it was seen that it takes them. `undefined`: they are
   * sealed in envelopes.
   */
  readonly sessionWay?: SessionWay | undefined;
}

/** Where a session with the recipient is opened, and what carries messages in it. */
export interface SessionWay {
  /** Where it is opened, by POST. */
  readonly url: URL;
  /** With what. */
  readonly fetch: typeof fetch;
  /** For that, in ms. */
  readonly timeoutMs: number;
  /** As {@link Transport.send}. `SESSION_…` is no failure: the message goes under the envelope that it brings along then. */
  send(message: SessionMessage): Promise<Result<void>>;
}

/** A message that is sealed in a session. */
export interface SessionMessage {
  /** What of it travels in the open. */
  readonly from: Did;
  /** The recipient. */
  readonly to: Did;
  /** Its scope. */
  readonly scope: Scope;
  /** Its name, 16 bytes as base64url. */
  readonly envelopeId: string;
  /** The HTTP request that it is bound to. */
  readonly request: string;
  /** What belongs into the header `Authorization`. */
  readonly authorization: string;
  /** What belongs into the body, as `application/xlink-session`. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Names its number, for what takes its place. */
  readonly number: string;
  /** The same message in an envelope that is bound to this request, after the session was refused with `error`. */
  instead(request: string, error: { readonly code: string }): Promise<Envelope>;
  /** The same message once more, under a new nonce. */
  again(): Promise<Envelope>;
}

/** How an envelope arrived. */
export interface Arrival {
  /** The HTTP request, from `requestBinding()`: a message must be bound to it. Absent: it came by none. */
  readonly request?: string;
  /** Takes a receipt, or the answer to what an agent can do, back to the sender, who asked for one. */
  readonly reply?: (receipt: Envelope) => Awaitable<void>;
}

/** An envelope as a transport has it. Another name of {@link Envelope}. */
export type TransportEnvelope = Envelope;

/** Another name of {@link Transport}. */
export type XailTransportAdapter = Transport;

/** What a transport may ask of the agent that uses it: to prove to a relay who it is. */
export interface TransportUser {
  /** Its DID; a lazy agent makes its identity then. */
  ready(): Promise<Did>;
  /** A signed-only envelope for a recipient that does not know the agent. Rejects with an `XlinkError`. */
  createIntroduction(options: {
    readonly to: Did;
    readonly scope: Scope;
    readonly request: string;
    readonly payload: unknown;
  }): Promise<Envelope>;
}

/** Where a `send` or `receive` is. `current` and `total` count shares where a message has several. */
export interface ProgressEvent {
  /** The stage that begins; `complete` at the end. */
  readonly stage: SendStage | ReceiveStage | 'complete';
  /** Number of the share, from 1. */
  readonly current?: number;
  /** Shares in all. */
  readonly total?: number;
}

/** Stages of `send`, in order. */
export type SendStage = 'resolving' | 'splitting' | 'encrypting' | 'signing' | 'sending';

/** Stages of `receive`, in order. */
export type ReceiveStage =
  | 'parsing'
  | 'checking'
  | 'resolving'
  | 'verifying'
  | 'authorizing'
  | 'claiming'
  | 'decrypting'
  | 'reconstructing';

/** Told about each stage as it begins. Awaited; what it throws is ignored. */
export type OnProgress = (event: ProgressEvent) => Awaitable<void>;

/** One authentication, as a tracer sees it. */
export interface AuthenticationSpan {
  /** The trace it belongs to, 32 hex digits; absent if it is not sampled. */
  readonly traceId?: string;
  /** Called once, with what was found out. `status` is that of the refusal, if it was refused. */
  end(facts: Authentication & { readonly status?: number }): void;
}

/**
 * Opens a span around the authentication of each request; lookups in registries and stores happen within it. Nothing it
 * does or fails to do changes the decision, and no request waits for it.
 */
export interface Tracer {
  /** Calls `run` once, before it returns, and returns what that returns. */
  trace<T>(request: { readonly method: string }, run: (span: AuthenticationSpan) => Promise<T>): Promise<T>;
}

/** An identity that asks to be enrolled, and what it shows in the place of an API key. Its signature is good. */
export interface EnrollmentClaim {
  /** The identity. */
  readonly did: Did;
  /** Its key record, verified; absent for one that only signs. */
  readonly keys?: KeyRecord;
  /** The DID of the service. */
  readonly service: Did;
  /** What it shows: any JSON. */
  readonly proof: unknown;
  /** The time of the adapter, in ms since 1970. */
  readonly at: number;
}

/** What an identity is enrolled as. */
export interface EnrollmentAdmission {
  /** The client that it acts for; many identities may act for one. */
  readonly client: ClientId;
  /** Scopes that it may send with. A DID that is registered already keeps those that it has. */
  readonly scopes: readonly Scope[];
  /** When it ends, in ms since 1970; an earlier end by `enrollmentValidMs` counts. Absent: no end of its own. */
  readonly validUntil?: number;
  /** Identities that the client may have at a time. Default: `maxDidsPerClient`. */
  readonly maxDids?: number;
  /** Called if the identity was not enrolled after all, so that what it showed may be shown again. Default: nothing is to be undone. */
  undo?(): Awaitable<void>;
}

/**
 * Admits identities by something else than an API key or an invitation: a member of the introduction's payload, such as a
 * certificate (docs/PROTOCOL.md 12.7). Works in every mode.
 */
export interface EnrollmentVerifier {
  /** Name of that member: 1 to 64 letters and digits; not `keyRecord` or `keyProof`. */
  readonly member: string;
  /** Introductions with it that are checked, per minute and process. Default: `enrollmentsPerMinute`. */
  readonly attemptsPerMinute?: number;
  /**
   * Asked once the signature, the nonce and the key record are good, and before anything is written. `refused`: why not, by a name of
   * the form `CODE` or `CODE:SUB_CODE`, which the caller is told (`ENROLLMENT_REFUSED:NOT_ADMITTED`). A throw or rejection means that
   * it cannot be told: nobody is enrolled (`ENROLLMENT_CHECK_FAILED`).
   */
  verify(claim: EnrollmentClaim): Awaitable<EnrollmentAdmission | { readonly refused: string }>;
}
