import type { KeyRing } from '../identity/encryption-keys.js';
import type { Identity } from '../identity/identity.js';
import type { SecurityLevel } from '../security/security-mode.js';
import type { NonceStore, OnProgress, ProgressEvent, Transport, TrustRegistry } from '../types/ports.js';
import type { Clock, Did, RandomBytes, Scope, Version } from '../types/protocol.js';
import type { OpenShares } from './open-shares.js';
import type { Peers } from './peers.js';
import type { ServicePeers } from './service-peers.js';
import type { OnWarning } from './warnings.js';

/**
 * Below which version a sender's envelopes are refused: `record`, the highest that its key record and this agent have, from
 * the first one on; `shown`, the highest it has used before.
 */
export type VersionFloor = 'record' | 'shown';

/** `next` of a key record, as an option of {@link createKeyRecord}. */
export interface Commitment {
  readonly next?: Uint8Array;
}

/** What the pipelines of one agent work with. */
export interface AgentContext {
  readonly identity: Identity;
  /** Its encryption keys, by epoch. */
  readonly keyRing: KeyRing;
  /** What its key record says of the only DID that may succeed: `next`, if it commits to one. */
  readonly commitment: () => Promise<Commitment>;
  /** Whether its registry entry follows its key record, also where its keys never change. */
  readonly entryFollows: boolean;
  readonly registry: TrustRegistry;
  readonly peers: Peers;
  /** Services that this agent called; known to it alone, and without rights. */
  readonly services: ServicePeers;
  /** At least one. Whole messages go over the first, shares over all. */
  readonly transports: readonly Transport[];
  readonly nonceStore: NonceStore;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly timestampWindowMs: number;
  readonly maxAgeMs: number;
  readonly maxEnvelopeBytes: number;
  readonly minVersion: Version;
  readonly versionFloor: VersionFloor;
  readonly sendScopes: readonly Scope[] | undefined;
  readonly receiveScopes: readonly Scope[] | undefined;
  readonly unsafeAcceptWhenNonceStoreFails: boolean;
  readonly security: SecurityLevel;
  readonly organization: string | undefined;
  readonly xchange: boolean;
  /** Absent: it sends and takes whole messages only. */
  readonly shares: OpenShares | undefined;
  readonly warn: OnWarning;
  /** Of an agent whose identity is being succeeded. */
  succession: SuccessionState | undefined;
}

/** The identities of an agent one of which takes the place of another. */
export interface SuccessionState {
  /** Of its identities, oldest first. */
  readonly dids: readonly Did[];
  /** That of the identity that an envelope for this DID is for; `undefined` for others. */
  contextOf(did: Did): AgentContext | undefined;
  /** That of the identity that signs now: the next one as soon as the registry has accepted it. */
  present(): Promise<AgentContext>;
  /** The same, as far as it was seen. */
  readonly seen: AgentContext;
}

/** Reports a stage; what the callback throws changes nothing. */
export async function report(
  onProgress: OnProgress | undefined,
  stage: ProgressEvent['stage'],
  counts?: Omit<ProgressEvent, 'stage'>,
): Promise<void> {
  if (!onProgress) return;
  try {
    await onProgress({ stage, ...counts });
  } catch {
    // a broken progress bar must not lose a message
  }
}
