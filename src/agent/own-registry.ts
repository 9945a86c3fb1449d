import { xlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Did, KeyRecord, Registration, RegistryEntry } from '../types/protocol.js';

/**
 * Where an agent for callers of APIs is alone: the services that it calls are not in it, and it is in none. What it knows is
 * what the agent itself has signed, so nothing is checked.
 */
export class OwnRegistry implements TrustRegistry {
  readonly #entries = new Map<Did, RegistryEntry>();

  lookup(did: Did): RegistryEntry | undefined {
    return this.#entries.get(did);
  }

  register(entry: Registration): Result<void> {
    if (this.#entries.has(entry.did)) return err(xlinkError('REGISTRATION_FAILED:ALREADY_REGISTERED'));
    this.#entries.set(entry.did, { ...entry, status: 'active' });
    return ok(undefined);
  }

  updateKeys(keys: KeyRecord): Result<void> {
    const entry = this.#entries.get(keys.did);
    if (!entry) return err(xlinkError('LOOKUP_FAILED:DID_NOT_IN_REGISTRY'));
    this.#entries.set(keys.did, { ...entry, keys });
    return ok(undefined);
  }
}
