import type { Identity } from '../identity/identity.js';
import type { SecurityLevel } from '../security/security-mode.js';
import type { SecurityPolicy } from '../security/security-policy.js';
import type { ShareCollector } from '../split-channel/collector.js';
import type { NonceStore, OnProgress, ProgressEvent, Transport, TrustRegistry } from '../types/ports.js';
import type { Clock, RandomBytes, Scope, Version } from '../types/protocol.js';
import type { Peers } from './peers.js';
import type { OnWarning } from './warnings.js';

/** What the pipelines of one agent work with. */
export interface AgentContext {
  readonly identity: Identity;
  readonly registry: TrustRegistry;
  readonly peers: Peers;
  /** At least one. Whole messages go over the first, shares over all. */
  readonly transports: readonly Transport[];
  readonly nonceStore: NonceStore;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly timestampWindowMs: number;
  readonly maxAgeMs: number;
  readonly maxEnvelopeBytes: number;
  readonly minVersion: Version;
  readonly sendScopes: readonly Scope[] | undefined;
  readonly receiveScopes: readonly Scope[] | undefined;
  readonly unsafeAcceptWhenNonceStoreFails: boolean;
  readonly security: SecurityLevel;
  readonly securityPolicy: SecurityPolicy;
  readonly organization: string | undefined;
  readonly xchange: boolean;
  readonly collector: ShareCollector;
  readonly warn: OnWarning;
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
