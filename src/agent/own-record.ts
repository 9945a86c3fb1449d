import type { EncryptionKeys } from '../identity/encryption-keys.js';
import type { Identity } from '../identity/identity.js';
import { createKeyRecord } from '../identity/key-record.js';
import type { Clock, KeyRecord } from '../types/protocol.js';
import type { Commitment } from './context.js';

/** The record of these keys. All instances sign one that says the same, with the same epoch where it comes with the keys. */
export function recordOf(
  identity: Identity,
  encryption: EncryptionKeys,
  commitment: Commitment,
  clock: Clock = Date.now,
): Promise<KeyRecord> {
  const { recordEpoch } = encryption;
  return createKeyRecord(identity, {
    clock,
    encryption,
    ...commitment,
    ...(recordEpoch === undefined ? {} : { epoch: recordEpoch }),
  });
}
