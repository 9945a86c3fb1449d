import type { Decapsulator, X25519KeyPair } from '../crypto/provider.js';
import type { KeyRecord } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import type { Identity } from './identity.js';
import { DERIVED_KEYS } from './key-record.js';

/** The private encryption keys of one key epoch, and when they are good. */
export interface EncryptionKeys extends Pick<KeyRecord, 'keyEpoch' | 'notBefore' | 'notAfter'> {
  /** `epoch` of the key records that publish them. Absent: the time of signing, as for keys that never change. */
  readonly recordEpoch?: number;
  readonly x25519: X25519KeyPair;
  /** From version 2 on. */
  readonly mlKem768: Decapsulator | undefined;
}

/** When the published keys came, and when they go. */
export interface KeyEpochStatus {
  /** The number of the epoch. */
  readonly keyEpoch: number;
  /** Since when it is the published one, in ms since 1970. */
  readonly since: number;
  /** When the next one takes its place, in ms since 1970. */
  readonly rotatesAt: number;
}

/** The store of keys is not read more often than once in this time, in ms, nor asked again sooner after it failed. */
export const REREAD_MS = 1000;

/** The encryption keys of one identity, by epoch. */
export interface KeyRing {
  /** Those that are published now. */
  current(): Awaitable<EncryptionKeys>;
  /** Those of an epoch; `undefined` if it is not known, or was erased. */
  find(keyEpoch: number): Awaitable<EncryptionKeys | undefined>;
  /** Absent where there is one epoch for good. */
  readonly rotation?: RotatingKeyRing;
}

/** Keys that take turns. */
export interface RotatingKeyRing extends KeyRing {
  /** The published epoch; `undefined` before the first use. */
  readonly status: KeyEpochStatus | undefined;
  /** When something has to be rotated or erased, in ms since 1970. */
  readonly dueAt: number | undefined;
  /** A new epoch now. */
  rotate(): Promise<EncryptionKeys>;
  /** Does what is due. */
  maintain(): Promise<void>;
  /** Calls the listener with each epoch; returns how to stop that. */
  onChange(listener: (status: KeyEpochStatus) => void): () => void;
}

/** The one epoch of an identity whose encryption keys are derived from its seed. */
export function derivedKeyRing({ x25519, mlKem768 }: Identity): KeyRing {
  const keys: EncryptionKeys = { ...DERIVED_KEYS, x25519, mlKem768 };
  return {
    current: () => keys,
    find: (keyEpoch) => (keyEpoch === keys.keyEpoch ? keys : undefined),
  };
}
