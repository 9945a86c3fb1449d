import type { ClientId, Did } from '../../types/protocol.js';
import type { Awaitable } from '../../util/awaitable.js';
import type { CheckpointLimits } from './limits.js';

/** What a service saw of one request of a session. */
export interface SeenLeaf {
  /** Id of the session, 16 bytes as base64url. */
  readonly sid: string;
  /** Number of the request, 0 to 65 535. */
  readonly seq: number;
  /** Leaf without the answer, 32 bytes as base64url. */
  readonly leaf: string;
  /** Leaf with the answer, once that is whole. */
  readonly answered?: string;
  /** SHA-256 of that answer, 32 bytes as base64url: with it others can tell that `answered` is a leaf of the same request. */
  readonly answer?: string;
}

/** Keeps what a service saw of requests in sessions until their callers have signed them, so that the two are compared. */
export interface LeafStore {
  /** Keeps it, in the place of what was kept of the same number. What it rejects with refuses the request. */
  keep(leaf: SeenLeaf): Awaitable<void>;
  /** What is kept of the numbers from `from` to before `to`, which may be forgotten then. */
  take(sid: string, from: number, to: number): Awaitable<readonly SeenLeaf[]>;
}

/**
 * A checkpoint that was accepted: what a caller signed of its session, and what the service signed in reply. The three parts
 * `envelope`, `content` and `countersignature` can be shown to others (docs/PROTOCOL.md, section 18.9).
 */
export interface SessionCheckpoint {
  /** The caller. */
  readonly did: Did;
  /** Whose it is, where the adapter keeps clients. */
  readonly client?: ClientId;
  /** Id of the session, 16 bytes as base64url. */
  readonly session: string;
  /** The first number that it is about. */
  readonly from: number;
  /** The number behind the last one. */
  readonly to: number;
  /** Number and leaf (32 bytes as base64url) of each request. */
  readonly leaves: readonly (readonly [seq: number, leaf: string])[];
  /** How many of them were compared with what this service saw. */
  readonly compared: number;
  /** Number and SHA-256 (32 bytes as base64url) of each answer in them that this service saw. */
  readonly answers: readonly (readonly [seq: number, answer: string])[];
  /** What the checkpoint follows, and what the next one follows: 32 bytes each, as base64url. */
  readonly previous: string;
  /** See `previous`. */
  readonly head: string;
  /** When it was accepted, ms since 1970. */
  readonly at: number;
  /** The signed envelope as it came: bytes of JSON. Its signed `request` names the SHA-256 of `content`. */
  readonly envelope: Uint8Array;
  /** What was sealed in it: bytes of JSON. */
  readonly content: Uint8Array;
  /** The sealed answer as it is sent: its head is signed, and in reply to this envelope. */
  readonly countersignature: Uint8Array;
}

/** How a service keeps checkpoints. */
export interface CheckpointRules {
  readonly limits: CheckpointLimits;
  /** Absent: what callers say is not compared. */
  readonly leaves: LeafStore | undefined;
  /** Told before the answer is sent; what it rejects with keeps that from being sent. */
  readonly onCheckpoint: ((checkpoint: SessionCheckpoint) => Awaitable<void>) | undefined;
}
