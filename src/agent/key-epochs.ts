import { EpochKeyRing } from '../identity/epoch-key-ring.js';
import { callRegistry } from './call-registry.js';
import type { KeyEpochSupport } from './key-epochs-support.js';

const DAY_MS = 86_400_000;

/** Encryption keys in a store, for agents that take `keyStore`. */
export const KEY_EPOCHS: KeyEpochSupport = {
  open(identity, keyStore, { keyRotationMs = 7 * DAY_MS, keyOverlapMs = DAY_MS }, parts) {
    const { clock, registry, lateMs, warn } = parts;
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
  },
};
