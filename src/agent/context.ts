import type { Identity } from '../identity/identity.js';
import type {
  Clock,
  NonceStore,
  OnProgress,
  ProgressEvent,
  RandomBytes,
  Scope,
  Transport,
  Version,
} from '../types.js';
import type { Peers } from './peers.js';

/** What the pipelines of one agent work with. */
export interface AgentContext {
  readonly identity: Identity;
  readonly peers: Peers;
  readonly transport: Transport;
  readonly nonceStore: NonceStore;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly timestampWindowMs: number;
  readonly maxEnvelopeBytes: number;
  readonly minVersion: Version;
  readonly sendScopes: readonly Scope[] | undefined;
  readonly receiveScopes: readonly Scope[] | undefined;
  readonly unsafeAcceptWhenNonceStoreFails: boolean;
}

/** Reports a stage; what the callback throws changes nothing. */
export async function report(
  onProgress: OnProgress | undefined,
  stage: ProgressEvent['stage'],
): Promise<void> {
  if (!onProgress) return;
  try {
    await onProgress({ stage });
  } catch {
    // a broken progress bar must not lose a message
  }
}
