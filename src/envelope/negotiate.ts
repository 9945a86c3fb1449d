import { xlinkError } from '../errors/errors.js';
import type { KeyRecord, Version } from '../types/protocol.js';

/** The highest version whose keys a record holds. */
export const recordVersion = (record: Pick<KeyRecord, 'mlKem768' | 'mlDsa65'>): Version => {
  if (!record.mlKem768) return 1;
  return record.mlDsa65 ? 3 : 2;
};

/**
 * The version for a message: the highest that both sides have keys for, by the table in docs/PROTOCOL.md, or exactly `wanted`.
 * Throws `KEY_AGREEMENT_FAILED:NO_COMMON_VERSION` below `minVersion` or if `wanted` is beyond one side.
 */
export function negotiate(
  sender: Version,
  recipient: Version,
  limits: { minVersion?: Version | undefined; wanted?: Version | undefined } = {},
): Version {
  const highest = Math.min(sender, recipient) as Version;
  const version = limits.wanted ?? highest;
  if (version > highest || version < (limits.minVersion ?? 1))
    throw xlinkError('KEY_AGREEMENT_FAILED:NO_COMMON_VERSION', { field: 'version' });
  return version;
}
