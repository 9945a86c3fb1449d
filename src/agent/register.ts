import { ALL_SCOPES } from '../checks/scope.js';
import { toXlinkError, xlinkError } from '../errors/errors.js';
import type { Result } from '../errors/result.js';
import { derivedKeyRing, type KeyRing } from '../identity/encryption-keys.js';
import type { Identity } from '../identity/identity.js';
import { createKeyRecord, sameKeys } from '../identity/key-record.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Registration } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { commitmentTo } from './commitment.js';
import type { AgentOptions } from './options.js';

/**
 * Makes sure the registry holds the signed keys of an identity: registers it, or brings the keys of an existing entry
 * up to date without touching its scopes. A revoked entry stays revoked. Throws `REGISTRATION_FAILED…` or `LOOKUP_FAILED`.
 */
export async function ensureRegistered(
  registry: TrustRegistry,
  identity: Identity,
  options: AgentOptions,
  keyRing: KeyRing = derivedKeyRing(identity),
  commit = () => commitmentTo(options.next),
): Promise<void> {
  const existing = await callRegistry(() => registry.lookup(identity.did), 'LOOKUP_FAILED');
  const clock = options.clock ?? Date.now;
  const encryption = await keyRing.current();
  const known = existing?.keys?.keyEpoch ?? 0;
  if (encryption.keyEpoch < known) throw xlinkError('KEY_STORE_ROLLED_BACK', { field: 'keyStore' });
  const commitment = await commit();
  const keys = await createKeyRecord(identity, { clock, encryption, ...commitment });
  if (!existing) {
    const { name, capabilities, organization, xchange } = options;
    // In an entry no list means none: an agent that was not restricted says so.
    const { sendScopes = [ALL_SCOPES], receiveScopes = [ALL_SCOPES] } = options;
    const more = { name, capabilities, sendScopes, receiveScopes, organization, xchange };
    const entry = { did: identity.did, keys, ...more };
    const present = Object.entries(entry).filter(([, value]) => value !== undefined);
    return assertOk(
      await callRegistry(() => registry.register(Object.fromEntries(present) as unknown as Registration)),
    );
  }
  if (!existing.keys) return assertOk(await callRegistry(() => registry.updateKeys(keys)));
  if (sameKeys(existing.keys, keys)) return;
  const epoch = Math.max(keys.epoch, existing.keys.epoch + 1); // two changes of keys within one second
  const successor = await createKeyRecord(identity, { epoch, encryption, ...commitment });
  return assertOk(await callRegistry(() => registry.updateKeys(successor)));
}

/** What a registry answers. Throws `id`, with the failure as `cause`, if it could not be asked. */
export async function callRegistry<T>(
  question: () => Awaitable<T>,
  id: 'LOOKUP_FAILED' | 'REGISTRATION_FAILED' = 'REGISTRATION_FAILED',
): Promise<T> {
  try {
    return await question();
  } catch (cause) {
    throw xlinkError(id, { cause });
  }
}

export function assertOk(result: Result<void>): void {
  if (result.ok) return;
  const known = toXlinkError(result.error);
  throw known.category === 'registry' ? known : xlinkError('REGISTRATION_FAILED', { cause: known });
}
