import { type XlinkError, xlinkError } from '../../errors/service-errors.js';
import { isUnreachable } from '../../registry/http-errors.js';
import type { ManagedTrustRegistry } from '../../registry/managed.js';
import { afterWrites, perform, type Write } from './change.js';
import type { Queued } from './fact.js';

/** What became of a change that had waited. */
export type Outcome =
  | { readonly is: 'made' }
  /** It contradicts what happened meanwhile, and is not to be tried again. */
  | { readonly is: 'refused'; readonly error: XlinkError }
  /** Not now. */
  | { readonly is: 'waiting'; readonly error: XlinkError };

/**
 * Makes a change that had waited. It may have been made before, if the answer was lost: then once more does no harm. An
 * `add` does not bring back who was revoked after it was asked for.
 */
export async function replay(registry: ManagedTrustRegistry, { write, base }: Queued): Promise<Outcome> {
  try {
    if (write.operation === 'add' && base !== 'revoked') {
      const entry = await registry.lookup(write.did);
      if (entry?.status === 'revoked')
        return { is: 'refused', error: xlinkError('LOOKUP_FAILED:DID_REVOKED', { field: 'did' }) };
    }
    const result = await perform(registry, write);
    if (result.ok) return { is: 'made' };
    const { error } = result;
    if (isUnreachable(error) || error.id === 'REGISTRATION_FAILED:UNAUTHORIZED')
      return { is: 'waiting', error };
    const wasMade = error.id === 'REGISTRATION_FAILED:ALREADY_REGISTERED' && (await isThere(registry, write));
    return wasMade ? { is: 'made' } : { is: 'refused', error };
  } catch (error) {
    return { is: 'waiting', error: xlinkError('LOOKUP_FAILED', { cause: error }) };
  }
}

/** Whether the entry is just what the registration would have made. */
async function isThere(registry: ManagedTrustRegistry, write: Write): Promise<boolean> {
  const [there, wanted] = [await registry.lookup(write.did), await afterWrites(undefined, [write])];
  return JSON.stringify({ ...there, revision: undefined }) === JSON.stringify(wanted);
}
