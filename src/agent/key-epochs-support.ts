import type { KeyRing } from '../identity/encryption-keys.js';
import type { Identity } from '../identity/identity.js';
import type { KeyStore } from '../identity/key-store.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Clock } from '../types/protocol.js';
import type { OnWarning } from './warnings.js';

/** What an agent was told of its key epochs. */
export interface KeyEpochOptions {
  readonly keyRotationMs?: number;
  readonly keyOverlapMs?: number;
}

/** What the encryption keys of an agent have to do with. */
export interface KeyEpochParts {
  readonly clock: Clock;
  readonly registry: TrustRegistry;
  /** How long after its keys ran out a message may still arrive, in ms. */
  readonly lateMs: number;
  readonly warn: OnWarning;
}

/** Encryption keys in a store. An agent for callers of APIs is made without: its keys are derived from its seed. */
export interface KeyEpochSupport {
  /** The keys in the store, which must not be behind what the registry has. */
  open(identity: Identity, keyStore: KeyStore, options: KeyEpochOptions, parts: KeyEpochParts): KeyRing;
}
