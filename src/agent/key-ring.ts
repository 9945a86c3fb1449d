import { derivedKeyRing, type KeyRing } from '../identity/encryption-keys.js';
import { EpochKeyRing } from '../identity/epoch-key-ring.js';
import type { Identity } from '../identity/identity.js';
import type { KeyStore } from '../identity/key-store.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Clock } from '../types/protocol.js';
import { callRegistry } from './call-registry.js';
import type { OnWarning } from './warnings.js';

const DAY_MS = 86_400_000;

interface KeyOptions {
  readonly keyRotationMs?: number;
  readonly keyOverlapMs?: number;
}

interface Parts {
  readonly clock: Clock;
  readonly registry: TrustRegistry;
  /** How long after its keys ran out a message may still arrive, in ms. */
  readonly lateMs: number;
  readonly warn: OnWarning;
}

/** The encryption keys of an identity: in a store, if one is given, which must not be behind what the registry has; else derived. */
export function keyRingOf(
  identity: Identity,
  keyStore: KeyStore | undefined,
  { keyRotationMs = 7 * DAY_MS, keyOverlapMs = DAY_MS }: KeyOptions,
  { clock, registry, lateMs, warn }: Parts,
): KeyRing {
  if (!keyStore) return derivedKeyRing(identity);
  return new EpochKeyRing(identity, keyStore, {
    clock,
    rotationMs: keyRotationMs,
    overlapMs: keyOverlapMs,
    lateMs,
    async published() {
      const entry = await callRegistry(() => registry.lookup(identity.did), 'LOOKUP_FAILED');
      return entry?.keys?.keyEpoch ?? 0;
    },
    onFailure: (error) => warn({ type: 'key-store-failed', error }),
  });
}
