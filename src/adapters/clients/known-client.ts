import { callRegistry } from '../../agent/call-registry.js';
import { type XlinkError, xlinkError } from '../../errors/service-errors.js';
import { looksLikeDidKey } from '../../identity/did.js';
import type { TrustRegistry } from '../../types/ports.js';
import type { ClientId, Did } from '../../types/protocol.js';
import { distance } from '../../util/distance.js';
import { firstOf } from './lineage.js';
import type { ClientStore } from './store.js';

interface Places {
  readonly store: ClientStore;
  readonly registry: TrustRegistry;
}

/**
 * As what something is known by this id: `client`: there is a record; `did`: it is a DID in the registry that was never enrolled,
 * and so a client of its own; `undefined`: nothing is known. Throws `CLIENT_UNKNOWN` for a DID of another client. `call`: what the
 * operator called.
 */
export async function knownAs(
  { store, registry }: Places,
  call: string,
  client: ClientId,
): Promise<'client' | 'did' | undefined> {
  const record = await store.get(client);
  if (client.startsWith('did:')) {
    const owner = await store.clientOf(client);
    if (owner !== undefined && owner !== client) throw ofAnother(call, client, owner);
    const entry = await callRegistry(() => registry.lookup(client), 'LOOKUP_FAILED');
    if (entry && firstOf(entry) !== client) throw ofAnother(call, client, firstOf(entry));
    if (entry) return 'did';
  }
  return record && 'client';
}

/** For a DID that is not a client of its own. */
export const ofAnother = (call: string, did: Did, owner: ClientId): XlinkError =>
  unknown(
    `${call} was given ${did}, which is a DID of the client ${JSON.stringify(owner)}: name that client, or end the DID alone with unlink() or at the registry.`,
  );

/**
 * For an id that nothing is known by. It is repeated if it is a DID, or nearly that of a client: anything else may be an API
 * key that was pasted in its place. `more`: what else can be done.
 */
export async function unknownClient(
  { store }: Pick<Places, 'store'>,
  call: string,
  client: ClientId,
  more = '',
): Promise<XlinkError> {
  if (looksLikeDidKey(client))
    return unknown(
      `${call} was given ${client}, which is neither a DID of a client nor in the trust registry.${more}`,
    );
  const nearest = await nearestOf(store, client);
  const said =
    nearest === undefined
      ? `${call} was given an id that is not among adapter.clientRecords(). A client that called another instance is known some seconds later.`
      : `${call} was given ${JSON.stringify(client)}; did you mean ${JSON.stringify(nearest)}?`;
  return unknown(said + more);
}

const unknown = (hint: string): XlinkError => xlinkError('CLIENT_UNKNOWN', { field: 'client', hint });

/** Longer ones are not compared. */
const MAX_COMPARED = 128;

/** The client whose id is misspelled here, if one comes near. */
async function nearestOf(store: ClientStore, client: ClientId): Promise<ClientId | undefined> {
  if (client.length > MAX_COMPARED) return undefined;
  const given = client.toLowerCase();
  let [nearest, least] = [undefined as ClientId | undefined, 1 + Math.min(3, Math.floor(given.length / 3))];
  for (const { client: one } of await recordsOf(store)) {
    if (Math.abs(one.length - given.length) >= least) continue;
    const apart = distance(given, one.toLowerCase());
    if (apart < least) [nearest, least] = [one, apart];
  }
  return nearest;
}

/** None if they cannot be read: the error is the same without. */
async function recordsOf(store: ClientStore) {
  try {
    return await store.list();
  } catch {
    return [];
  }
}
