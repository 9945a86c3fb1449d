import type { ClientId, Did, RegistryEntry } from '../../types/protocol.js';
import type { ClientStore } from './store.js';

/**
 * The client that a DID is linked to; that of the DIDs whose place it took, if it is not linked yet: then it is from now
 * on, so that it is the same client in every report. `undefined` if none of them was enrolled.
 */
export async function ownerOf(
  store: ClientStore,
  did: Did,
  entry: RegistryEntry | undefined,
): Promise<ClientId | undefined> {
  const owner = await store.clientOf(did);
  if (owner !== undefined) return owner;
  for (const before of [...(entry?.predecessors ?? [])].reverse()) {
    const former = await store.clientOf(before);
    if (former !== undefined) return store.link(did, former);
  }
  return undefined;
}
