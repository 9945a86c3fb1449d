import { callRegistry } from '../../agent/call-registry.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { TrustRegistry } from '../../types/ports.js';
import type { ClientId } from '../../types/protocol.js';
import { firstOf } from './lineage.js';
import type { ClientStore } from './store.js';

interface Places {
  readonly store: ClientStore;
  readonly registry: TrustRegistry;
}

/**
 * As what something is known by this id: `client`: there is a record; `did`: it is a DID in the registry that was never enrolled,
 * and so a client of its own; `undefined`: nothing is known. Throws `CLIENT_UNKNOWN` for a DID of another client.
 */
export async function knownAs(
  { store, registry }: Places,
  client: ClientId,
): Promise<'client' | 'did' | undefined> {
  const record = await store.get(client);
  if (client.startsWith('did:')) {
    const owner = await store.clientOf(client);
    if (owner !== undefined && owner !== client) throw ofAnother();
    const entry = await callRegistry(() => registry.lookup(client), 'LOOKUP_FAILED');
    if (entry && firstOf(entry) !== client) throw ofAnother();
    if (entry) return 'did';
  }
  return record && 'client';
}

/** For a DID that is not a client of its own. */
export const ofAnother = () =>
  xlinkError('CLIENT_UNKNOWN', {
    field: 'client',
    hint: 'This is a DID of a client: name the client, or end the DID alone with unlink() or at the registry.',
  });
