import type { Did, Identity } from '@private.me/xlink';
import type { Ial } from '../attest/proofing.js';
import type { Aal, Factor } from './assurance.js';
import type { SignalType } from './record.js';

/** Options of `converge`. */
export interface ConvergeOptions {
  /** Where the session is good: a DID or an origin. Default: that of the manager. */
  readonly audience?: string;
  /** Makes the session another one; a service may choose it. Default: 16 random bytes as base64url. */
  readonly nonce?: string;
  /** How long it lasts, in ms, a second to 24 hours. Default: that of the manager. */
  readonly sessionMs?: number;
}

/** A session that signals converged to. */
export interface Converged {
  /** DID of the session: another one each time. */
  readonly did: Did;
  /** Its keys: `xlinkFetch({ agent: Agent.from(identity, …) })` calls with them. */
  readonly identity: Identity;
  /** The stable DID, which vouches for it. */
  readonly fusedDid: Did;
  /** What the fused DID signed about the session; show it to the audience. */
  readonly certificate: string;
  /** How the person was authenticated. */
  readonly aal: Aal;
  /** How she was proofed; absent unless a trusted issuer said so. */
  readonly ial?: Ial;
  /** `ial`, and without one `aal`. */
  readonly assuranceLevel: Ial | Aal;
  /** What the signals proved. */
  readonly factors: readonly Factor[];
  /** Ms since 1970. */
  readonly expiresAt: number;
}

/** A signal that is enrolled. */
export interface EnrolledSignal {
  /** Its id in this account. */
  readonly id: string;
  /** Which type it is; `totp` is the gate, whose id is `totp`. */
  readonly type: SignalType | 'totp';
  /** Of a device: what holds its key. */
  readonly kind?: string;
}
