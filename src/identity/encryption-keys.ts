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

/** The encryption keys of one identity, by epoch. */
export interface KeyRing {
  /** Those that are published now. */
  current(): Awaitable<EncryptionKeys>;
  /** Those of an epoch; `undefined` if it is not known, or was erased. */
  find(keyEpoch: number): Awaitable<EncryptionKeys | undefined>;
}

/** The one epoch of an identity whose encryption keys are derived from its seed. */
export function derivedKeyRing({ x25519, mlKem768 }: Identity): KeyRing {
  const keys: EncryptionKeys = { ...DERIVED_KEYS, x25519, mlKem768 };
  return {
    current: () => keys,
    find: (keyEpoch) => (keyEpoch === keys.keyEpoch ? keys : undefined),
  };
}
