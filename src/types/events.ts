import type { XlinkError } from '../errors/errors.js';
import type { AuthMethod, Mode } from './mode.js';
import type { Did, Version } from './protocol.js';

/** How a request was authenticated. Holds no key and no payload. */
export interface Authentication {
  /** The mode that applied to this request. */
  readonly mode: Mode;
  /** The credential that counted: `none` if there was none. */
  readonly method: AuthMethod;
  /** Whether the request was let through. */
  readonly outcome: 'accepted' | 'refused';
  /** `ok`, or the id of the error. */
  readonly reason: string;
  /** Whether it came with an envelope, in a session, or signed by RFC 9421; absent without any, and of what was not verified. */
  readonly form?: 'envelope' | 'session' | 'signature';
  /** Version of the envelope or signature, or of the envelope that opened the session; absent without any. */
  readonly version?: Version;
  /** Whether the envelope was encrypted; absent without envelope and signature. */
  readonly encrypted?: boolean;
  /** Who signed the envelope, once the signature is verified. */
  readonly did?: Did;
  /** Whose request it was, where the adapter keeps clients and as far as that was verified. */
  readonly client?: string;
}

/**
 * An accepted request is not over yet: an event stream, a download, a WebSocket. Told within two seconds, and before every report;
 * the {@link RequestEvent} follows when it is over.
 */
export interface OpenEvent extends Authentication {
  readonly type: 'open';
  /** Tells open requests of this process apart. */
  readonly number: number;
}

/** What an adapter reports about one request, once its response is over. */
export interface RequestEvent extends Authentication {
  readonly type: 'request';
  /** HTTP status of the response; of a guard or handler behind the adapter, if the request got that far. */
  readonly status: number;
  /** Present if the connection was closed before there was an answer: `status` was not sent then. */
  readonly aborted?: true;
  /** Of a refused request: what it came with in the place of a key, verified or not; absent if with none, or with several. */
  readonly offered?: 'envelope' | 'session' | 'signature';
  /** Route template such as `/orders/:id`, or `unmatched`. */
  readonly route: string;
  /** The `number` of the `open` event that told of this request before, and counted it. */
  readonly opened?: number;
  /** Time spent on authentication, in milliseconds. */
  readonly durationMs: number;
  /** The trace the request belongs to, 32 hex digits, where it is sampled. */
  readonly traceId?: string;
}

/** What an adapter in observe mode would have said about an envelope that came beside a key. */
export interface ObservedEvent {
  readonly type: 'observed';
  /** `ok`, or the id of the error that would have refused it. */
  readonly reason: string;
  /** Envelope version, if it could be read. */
  readonly version?: Version;
}

/** The mode changed, or is told for the first time. */
export interface ModeEvent {
  readonly type: 'mode';
  /** Absent in the first event, which says the mode the adapter starts in. */
  readonly from?: Mode;
  /** The new mode. */
  readonly to: Mode;
  /** Since when it is in force, in ms since 1970, where it was set before this event: in a first event, and by another instance. Absent: since now, or for longer than this process knows. */
  readonly since?: number;
  /** What the mode was set for; absent: everything that has no mode of its own. */
  readonly route?: string;
  /** The client the mode was set for. */
  readonly client?: string;
  /** Why, as given to `setMode`. */
  readonly reason?: string;
  /** Who set it, as given to `setMode` or `plan.apply`; `plan` for a step that a {@link MigrationPlan} made by itself. Absent: not said. */
  readonly by?: string;
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
  | 'moved'
  | 'revoked';

/** What a {@link MigrationPlan} found when it looked: what comes next, and what is in the way. */
export interface AdviceEvent {
  readonly type: 'advice';
  /** The mode in force. */
  readonly mode: Mode;
  /** Where the plan wants to go; absent at the end of the way. */
  readonly next?: Mode;
  /** Which way `next` is. */
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
  /** What went wrong. */
  readonly error: XlinkError;
  /** As in the {@link RequestEvent} of the same request. */
  readonly traceId?: string;
}

/** A client that works on xLink used its key again. */
export interface DowngradeEvent {
  readonly type: 'downgrade';
  /** The client. */
  readonly client: string;
  /** Whether the request was refused for it (`onDowngrade`). */
  readonly refused: boolean;
}

/** A DID was enrolled with the key of a client. */
export interface EnrollmentEvent {
  readonly type: 'enrollment';
  /** The client. */
  readonly client: string;
  /** The new DID. */
  readonly did: Did;
}

/** A client was revoked by the operator, or that was taken back. */
export interface ClientRevocationEvent {
  readonly type: 'client-revocation';
  /** The client. */
  readonly client: string;
  /** Whether it is revoked now. */
  readonly revoked: boolean;
  /** DIDs that were ended or brought back in the trust registry by this. */
  readonly dids: number;
  /** Why, as given to `revokeClient`. */
  readonly reason?: string;
}

/** A DID belongs to a client no longer. */
export interface UnlinkEvent {
  readonly type: 'unlink';
  /** The client that it belonged to. */
  readonly client: string;
  /** The DID. */
  readonly did: Did;
  /** Who wanted it: the operator of the service, or the DID itself. */
  readonly by: 'operator' | 'client';
}

/** What an operator can do beside setting a mode. */
export type OperationName =
  | 'invite'
  | 'revoke-client'
  | 'revoke-invitation'
  | 'restore-client'
  | 'schedule-brownout'
  | 'unlink';

/** An operator did something: for an audit trail, beside the event that tells what became of it. Changes of the mode are {@link ModeEvent}s. */
export interface OperationEvent {
  readonly type: 'operation';
  /** What was done. */
  readonly operation: OperationName;
  /** What it was done to: a client, a DID, the number of an invitation, the times of a brownout. */
  readonly target: string;
  /** Who did it, as given; absent: not said. */
  readonly by?: string;
  /** Why, as given; absent: not said. */
  readonly why?: string;
}

/** Something about the set-up that weakens what the adapter promises; told once, when it is found out. */
export interface WarningEvent {
  readonly type: 'warning';
  /** Of the error that the same set-up leads to, or is where it cannot be tolerated. */
  readonly code: string;
  /** What is weak, and what to do. */
  readonly message: string;
}

/** The API has other encryption keys, or its present ones are told for the first time. Only with a `keyStore`. */
export interface KeyEpochEvent {
  readonly type: 'key-epoch';
  /** The number of the epoch. */
  readonly keyEpoch: number;
  /** Since when it is the published one, in ms since 1970. */
  readonly since: number;
  /** When the next one takes its place, in ms since 1970. */
  readonly rotatesAt: number;
}

/** A caller opened a session. */
export interface SessionEvent {
  readonly type: 'session';
  /** The caller. */
  readonly did: Did;
  /** Whose it is, where the adapter keeps clients. */
  readonly client?: string;
  /** Version of the envelope that opened it. */
  readonly version: Version;
  /** Until when it is good, in ms since 1970. */
  readonly notAfter: number;
}

/** A caller asked for a session, and got none. */
export interface SessionRefusalEvent {
  readonly type: 'session-refusal';
  /** The id of the error. */
  readonly reason: string;
  /** The caller, once its signature is verified. */
  readonly did?: Did;
  /** Whose it is, where the adapter keeps clients and as far as that was verified. */
  readonly client?: string;
}

/** A caller signed what it sent in a session, or tried to. */
export interface SessionCheckpointEvent {
  readonly type: 'session-checkpoint';
  /** The caller. */
  readonly did: Did;
  /** Whose it is, where the adapter keeps clients. */
  readonly client?: string;
  /** Id of the session, 16 bytes as base64url; absent if it is not said. */
  readonly session?: string;
  /** Whether it was accepted. */
  readonly outcome: 'accepted' | 'refused';
  /** `ok`, or the id of the error. `SESSION_CHECKPOINT_INVALID:…`: what the caller signed is not true. */
  readonly reason: string;
  /** Requests that it is about. */
  readonly requests: number;
  /** Of these, how many were compared with what the service saw. */
  readonly compared: number;
}

/** A policy is in force, has another mode, or a change of it was refused. Told first when an observer begins. */
export interface PolicyEvent {
  readonly type: 'policy';
  /** `refused`: what was to take its place was not in form, or could not be read; the one described here stays in force. `in-force` is told again once the source is in order again. */
  readonly outcome: 'in-force' | 'refused';
  /** Whether it refuses or only reports. */
  readonly mode: 'observe' | 'enforce';
  /** How often it was changed in this process: 1 after it was loaded. */
  readonly revision: number;
  /** SHA-256 over its rules, base64url: the same on all instances. */
  readonly digest: string;
  /** How many rules it has. */
  readonly rules: number;
  /** The id of the error, of a change that was refused. */
  readonly reason?: string;
  /** The path of what is wrong, such as `rules[2].require[0]`, of a change that was refused for that. */
  readonly field?: string;
  /** Who changed it, as given; absent: not said, or its file or store was changed. */
  readonly by?: string;
  /** Why, as given; absent: not said. */
  readonly why?: string;
}

/** A policy refused a request or, in its observe mode, would have. */
export interface PolicyDecisionEvent {
  readonly type: 'policy-decision';
  /** Whether the request was refused. */
  readonly outcome: 'refused' | 'would-refuse';
  /** The id of the error. */
  readonly reason: string;
  /** The rule that decided; absent where no rule did. */
  readonly rule?: string;
  /** The `revision` of the policy. */
  readonly revision: number;
  /** Who signed the request; absent with a key. */
  readonly did?: Did;
  /** Whose request it is, where that is known. */
  readonly client?: string;
}

/** Everything an {@link Observer} is told; `type` tells the events apart. */
export type XlinkEvent =
  | OpenEvent
  | RequestEvent
  | ObservedEvent
  | ModeEvent
  | AdviceEvent
  | EnrollmentEvent
  | KeySwitchEvent
  | ClientRevocationEvent
  | UnlinkEvent
  | OperationEvent
  | FaultEvent
  | WarningEvent
  | KeyEpochEvent
  | SessionEvent
  | SessionRefusalEvent
  | SessionCheckpointEvent
  | PolicyEvent
  | PolicyDecisionEvent
  | DowngradeEvent;

/** Told about events; must not throw (what it throws is ignored) and is not awaited. */
export type Observer = (event: XlinkEvent) => void;

/** A client switched its own key off, to prove that it no longer needs it, or on again. */
export interface KeySwitchEvent {
  readonly type: 'key-switch';
  /** The client. */
  readonly client: string;
  /** Whether the key is off now. */
  readonly off: boolean;
}
