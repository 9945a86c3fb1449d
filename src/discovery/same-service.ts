import { xlinkError } from '../errors/errors.js';
import { type KnownDid, verifyChain } from '../identity/succession.js';
import type { DiscoveryDocument } from './document.js';

/**
 * Throws `DISCOVERY_FAILED:OTHER_IDENTITY` unless a document is that of the DID that is known, or of one that took its place;
 * `KEY_RECORD_INVALID` if the record of the same DID contradicts what must not change. The document is verified already.
 */
export async function assertSameService(
  known: KnownDid,
  { did, keyRecord, succession = [] }: DiscoveryDocument,
): Promise<void> {
  if (did === known.did) {
    for (const field of ['mlDsa65', 'next'] as const)
      if (known[field] !== undefined && known[field] !== keyRecord[field])
        throw xlinkError('KEY_RECORD_INVALID', { field });
    return;
  }
  try {
    await verifyChain(succession, known, keyRecord);
  } catch (cause) {
    throw xlinkError('DISCOVERY_FAILED:OTHER_IDENTITY', { field: 'did', cause });
  }
}
