import type { XlinkError } from '../errors/errors.js';
import type { Result } from '../errors/result.js';
import type { Awaitable } from '../util/awaitable.js';

/** `did:key:z6Mk…`: an Ed25519 public key as a DID (did:key, multicodec 0xed01, base58btc). 56 characters. */
export type Did = string;

/** What a message is about, such as `payments:read`. 1 to 128 characters of `A-Z a-z 0-9 : . _ / -`. */
export type Scope = string;

/** Envelope version: 1 classical, 2 adds ML-KEM-768, 3 adds ML-DSA-65 signatures. */
export type Version = 1 | 2 | 3;

/** Milliseconds since 1970-01-01T00:00:00Z; `Date.now` where none is given. */
export type Clock = () => number;

/** `length` bytes from a cryptographic random source. */
export type RandomBytes = (length: number) => Uint8Array;

/**
 * An envelope as it travels: one flat JSON object. Binary members are base64url without padding.
 * Field by field in docs/PROTOCOL.md; which members a version has is decided by `suite`.
 */
export interface Envelope {
  readonly version: Version;
  /** Algorithms, as listed in docs/PROTOCOL.md. */
  readonly suite: string;
  readonly from: Did;
  readonly to: Did;
  /** When it was made, in ms since 1970. */
  readonly timestamp: number;
  /** 16 random bytes. */
  readonly nonce: string;
  readonly scope: Scope;
  /** Ciphertext and tag, or the cleartext of a signed-only envelope; a signed-only envelope may have none. */
  readonly payload?: string;
  /** X25519, 32 bytes. */
  readonly ephemeralPub?: string;
  /** ML-KEM-768, 1088 bytes. */
  readonly kemCiphertext?: string;
  /** HTTP request this envelope is for: `METHOD /path?query`. */
  readonly request?: string;
  /** SHA-256 of a body that travels beside the envelope, 32 bytes. */
  readonly contentDigest?: string;
  /** Content-Type of that body. */
  readonly contentType?: string;
  /** Nonce of the envelope that this one answers. */
  readonly inReplyTo?: string;
  /** Ed25519, 64 bytes. */
  readonly signature: string;
  /** ML-DSA-65, 3309 bytes; version 3 only. */
  readonly pqSignature?: string;
}

/** A received, verified and opened message. */
export interface AgentMessage<T = unknown> {
  readonly sender: Did;
  /** The decrypted JSON value; `undefined` if the envelope carried none. */
  readonly payload: T;
  readonly scope: Scope;
  readonly version: Version;
  /** False for signed-only envelopes. */
  readonly encrypted: boolean;
  readonly timestamp: number;
  /** Nonce of the envelope, or id of the shares that it came in; unique per sender and recipient. */
  readonly envelopeId: string;
  readonly request?: string;
  readonly contentDigest?: string;
  readonly contentType?: string;
  readonly inReplyTo?: string;
  /** Present if the message came in shares: how many there were, and how many were needed. */
  readonly shares?: { readonly total: number; readonly threshold: number };
  /** Present if its key came in shares too, without key agreement. */
  readonly xchange?: boolean;
}

/** The public keys of an identity, signed by the identity itself. Binary members are base64url. */
export interface KeyRecord {
  readonly did: Did;
  /** Rises with every change of keys; Unix seconds of signing unless chosen otherwise. */
  readonly epoch: number;
  /** X25519, 32 bytes. */
  readonly x25519: string;
  /** ML-KEM-768, 1184 bytes; present from version 2 on. */
  readonly mlKem768?: string;
  /** ML-DSA-65, 1952 bytes; present in version 3. */
  readonly mlDsa65?: string;
  /** Ed25519 signature of the DID over all of the above, 64 bytes. */
  readonly signature: string;
}

/** What a trust registry holds about a DID. */
export interface RegistryEntry {
  readonly did: Did;
  readonly name?: string;
  /** Without it the DID can sign, but nothing can be encrypted for it. */
  readonly keys?: KeyRecord;
  /** Names of tools or actions this DID offers. */
  readonly capabilities?: readonly string[];
  /** Scopes it may send with. Absent: any. Empty: none. */
  readonly sendScopes?: readonly Scope[];
  /** Scopes it accepts. Absent: any. Empty: none. */
  readonly receiveScopes?: readonly Scope[];
  /** Who runs it, for the security policies of senders. */
  readonly organisation?: string;
  /** Whether it takes Xchange messages. Default `false`. */
  readonly xchange?: boolean;
  readonly status: 'active' | 'revoked';
}

/** What can be registered: an entry without its status, which starts as `active`. */
export type Registration = Omit<RegistryEntry, 'status'>;

/** The part of a trust registry that agents need. */
export interface TrustRegistry {
  /** The entry, revoked or not, or `undefined`. A throw or rejection means the registry is down: nothing is accepted. */
  lookup(did: Did): Awaitable<RegistryEntry | undefined>;
  register(entry: Registration): Awaitable<Result<void>>;
  /** Replaces the key record; refused unless its epoch is higher. */
  updateKeys(keys: KeyRecord): Awaitable<Result<void>>;
}

/** Names one use of one envelope. */
export interface NonceUse {
  readonly recipient: Did;
  readonly sender: Did;
  readonly nonce: string;
  /** When the envelope was made, ms since 1970. */
  readonly timestamp: number;
}

/** Remembers which envelopes were received. A throw or rejection means it is down: nothing is accepted. */
export interface NonceStore {
  /** Whether the nonce was claimed. Reads only: called before the signature is checked. */
  seen(use: NonceUse): Awaitable<boolean>;
  /**
   * Claims the nonce for at least `ttlMs`, atomically: of any number of simultaneous calls exactly one gets `true`.
   * Called after signature and scope were checked.
   */
  claim(use: NonceUse, ttlMs: number): Awaitable<boolean>;
  /**
   * Optional, with {@link NonceStore.settle}. As `claim`, but the nonce is free again if this process ends before it is
   * settled: for a message whose handler may be interrupted. Nobody else gets it meanwhile.
   */
  reserve?(use: NonceUse, ttlMs: number): Awaitable<boolean>;
  /** Ends a reservation: `claimed` makes it lasting, as `claim` would have; otherwise the nonce is free again. */
  settle?(use: NonceUse, ttlMs: number, claimed: boolean): Awaitable<void>;
}

/** Delivers envelopes. The extension point for other ways to deliver them; docs/transports.md says what it must keep to. */
export interface Transport {
  /**
   * Resolves to a success once the other side, or a relay that keeps it, has the envelope. Never rejects. A transport
   * whose envelope was refused unread may deliver `again()` instead: the same message, sealed anew under a new nonce.
   */
  send(envelope: Envelope, to: Did, again?: () => Promise<Envelope>): Promise<Result<void>>;
  /** Every handler gets every envelope. One that rejects has not taken it: a transport that can brings it again. */
  onReceive(handler: (envelope: Envelope) => Awaitable<void>): void;
  /** Stops at once. Nothing is received or sent after that. */
  dispose(): void;
  /** Optional. Told the agent that uses it, once, while that is constructed. */
  attach?(agent: TransportUser): void;
}

/** The papers' name of {@link Transport}. */
export type XailTransportAdapter = Transport;

/** What a transport may ask of the agent that uses it: to prove to a relay who it is. */
export interface TransportUser {
  /** Its DID; a lazy agent makes its identity then. */
  ready(): Promise<Did>;
  /** A signed-only envelope for somebody who does not know the agent. Rejects with an `XlinkError`. */
  createIntroduction(options: {
    readonly to: Did;
    readonly scope: Scope;
    readonly request: string;
    readonly payload: unknown;
  }): Promise<Envelope>;
}

/** Where a `send` or `receive` is. `current` and `total` count shares where a message has several. */
export interface ProgressEvent {
  readonly stage: SendStage | ReceiveStage | 'complete';
  readonly current?: number;
  readonly total?: number;
}
export type SendStage = 'resolving' | 'splitting' | 'encrypting' | 'signing' | 'sending';
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

/** Modes of a {@link DualModeAdapter}, in the order of a migration. */
export type Mode = 'observe' | 'hybrid' | 'deprecation' | 'xlink-only';

/** How a request proved who it is from. */
export type AuthMethod = 'xlink' | 'api-key' | 'none';

/** How a request was authenticated. Holds no key and no payload. */
export interface Authentication {
  /** The mode that applied to this request. */
  readonly mode: Mode;
  readonly method: AuthMethod;
  readonly outcome: 'accepted' | 'refused';
  /** `ok`, or the id of the error. */
  readonly reason: string;
  readonly version?: Version;
  readonly encrypted?: boolean;
  /** Who signed the envelope, once the signature is verified. */
  readonly did?: Did;
  /** Whose request it was, where the adapter keeps clients and as far as that was verified. */
  readonly client?: string;
}

/** What an adapter reports about one request, once its response is over. */
export interface RequestEvent extends Authentication {
  readonly type: 'request';
  /** HTTP status of the response; of a guard or handler behind the adapter, if the request got that far. */
  readonly status: number;
  /** Present if the connection was closed before there was an answer: then nobody was told `status`. */
  readonly aborted?: true;
  /** Route template such as `/orders/:id`, or `unmatched`. */
  readonly route: string;
  /** Time spent on authentication, in milliseconds. */
  readonly durationMs: number;
  /** The trace the request belongs to, 32 hex digits, where it is sampled. */
  readonly traceId?: string;
}

/** What an adapter in observe mode would have said about an envelope that came beside a key. */
export interface ObservedEvent {
  readonly type: 'observed';
  readonly reason: string;
  readonly version?: Version;
}

export interface ModeEvent {
  readonly type: 'mode';
  /** Absent in the first event, which says the mode the adapter starts in. */
  readonly from?: Mode;
  readonly to: Mode;
  /** What the mode was set for; absent: everything that has no mode of its own. */
  readonly route?: string;
  readonly client?: string;
  readonly reason?: string;
  /** When keys stop working as announced (`deprecation.sunset`), in ms since 1970. */
  readonly sunset?: number;
}

/** How far a client is on its way from keys to xLink; the cut-over report says the same in a sentence. */
export type CutoverState =
  | 'not-enrolled'
  | 'never-used-xlink'
  | 'failing'
  | 'not-recent'
  | 'key-in-use'
  | 'key-switched-off'
  | 'moved';

/** What a {@link MigrationPlan} found when it looked: what comes next, and what is in the way. */
export interface AdviceEvent {
  readonly type: 'advice';
  readonly mode: Mode;
  /** Where the plan wants to go; absent at the end of the way. */
  readonly next?: Mode;
  readonly direction: 'forward' | 'back' | 'stay';
  /** Whether nothing is in the way. */
  readonly ready: boolean;
  /** How many things are in the way. */
  readonly blockers: number;
  /** How many clients there are in each state. */
  readonly clients: Readonly<Record<CutoverState, number>>;
}

/**
 * For the server's own log: the full error, with `cause`, behind a refusal that was not the caller's fault, or of a part
 * whose failure refuses nothing, such as a tracer. A `cause` is whatever a store or validator threw: it may hold secrets.
 */
export interface FaultEvent {
  readonly type: 'fault';
  readonly error: XlinkError;
  /** As in the {@link RequestEvent} of the same request. */
  readonly traceId?: string;
}

/** A client that works on xLink used its key again. */
export interface DowngradeEvent {
  readonly type: 'downgrade';
  readonly client: string;
  readonly refused: boolean;
}

/** A DID was enrolled with the key of a client. */
export interface EnrollmentEvent {
  readonly type: 'enrollment';
  readonly client: string;
  readonly did: Did;
}

/** Something about the set-up that weakens what the adapter promises; told once, when the adapter is made. */
export interface WarningEvent {
  readonly type: 'warning';
  /** Of the error that the same set-up is where it cannot be tolerated. */
  readonly code: string;
  readonly message: string;
}

export type XlinkEvent =
  | RequestEvent
  | ObservedEvent
  | ModeEvent
  | AdviceEvent
  | EnrollmentEvent
  | KeySwitchEvent
  | FaultEvent
  | WarningEvent
  | DowngradeEvent;

/** Told about events; must not throw (what it throws is ignored) and is not awaited. */
export type Observer = (event: XlinkEvent) => void;

/** A client switched its own key off, to prove that it no longer needs it, or on again. */
export interface KeySwitchEvent {
  readonly type: 'key-switch';
  readonly client: string;
  readonly off: boolean;
}

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
