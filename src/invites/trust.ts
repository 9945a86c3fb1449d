import { callRegistry } from '../agent/call-registry.js';
import { assertOk } from '../agent/register.js';
import { xlinkError } from '../errors/service-errors.js';
import { assertSuccessor, sameKeys } from '../identity/key-record.js';
import type { ManagedTrustRegistry } from '../registry/managed.js';
import type { TrustRegistry } from '../types/ports.js';
import type { KeyRecord, Registration, RegistryEntry, Scope } from '../types/protocol.js';
import { given } from '../util/given.js';

/** A peer, and what was agreed on with it. */
export interface Peer {
  readonly keys: KeyRecord;
  readonly name: string | undefined;
  /** What it may send. */
  readonly sendScopes: readonly Scope[];
  /** What it takes. */
  readonly receiveScopes: readonly Scope[];
}

/**
 * Puts a peer into a registry. One that is there keeps what it has, and gets what it lacks, where the registry can change scopes; one that
 * was revoked stays so. `keysOnly`: the scopes of one that is there stay as they are. Throws `VERIFICATION_FAILED:DID_REVOKED` and what
 * the registry fails with.
 */
export async function trust(registry: TrustRegistry, peer: Peer, keysOnly = false): Promise<void> {
  const { keys, name, sendScopes, receiveScopes } = peer;
  const entry = await callRegistry(() => registry.lookup(keys.did), 'LOOKUP_FAILED');
  if (entry?.status === 'revoked') throw xlinkError('VERIFICATION_FAILED:DID_REVOKED');
  if (!entry) {
    const made: Registration = { did: keys.did, keys, sendScopes, receiveScopes, ...given({ name }) };
    const result = await callRegistry(() => registry.register(made));
    // Another process was faster: what it did is looked at as what was there.
    if (!result.ok && result.error.id === 'REGISTRATION_FAILED:ALREADY_REGISTERED')
      return trust(registry, peer, keysOnly);
    return assertOk(result);
  }
  if (!entry.keys || !sameKeys(entry.keys, keys)) {
    if (entry.keys) assertSuccessor(entry.keys, keys);
    assertOk(await callRegistry(() => registry.updateKeys(keys)));
  }
  if (!keysOnly) await widen(registry, entry, peer);
}

async function widen(registry: TrustRegistry, entry: RegistryEntry, peer: Peer): Promise<void> {
  const scopes = union(entry.sendScopes, peer.sendScopes);
  const receiveScopes = union(entry.receiveScopes, peer.receiveScopes);
  const change = given({ scopes, receiveScopes });
  if (Object.keys(change).length === 0 || !('updateScopes' in registry)) return;
  const { did } = peer.keys;
  assertOk(await callRegistry(() => (registry as ManagedTrustRegistry).updateScopes(did, change)));
}

/** `undefined`: there is nothing to add. */
function union(before: readonly Scope[] = [], more: readonly Scope[]): readonly Scope[] | undefined {
  const all = [...new Set([...before, ...more])];
  return all.length === before.length ? undefined : all;
}
