import { toXlinkError, xlinkError } from '../errors/errors.js';
import type { Result } from '../errors/result.js';
import type { Identity } from '../identity/identity.js';
import { createKeyRecord, sameKeys } from '../identity/key-record.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Registration } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { given } from '../util/given.js';
import type { AgentOptions } from './options.js';

/**
 * Makes sure the registry holds the signed keys of an identity: registers it, or brings the keys of an existing entry
 * up to date without touching its scopes. A revoked entry stays revoked. Throws `REGISTRATION_FAILED…` or `LOOKUP_FAILED`.
 */
export async function ensureRegistered(
  registry: TrustRegistry,
  identity: Identity,
  options: AgentOptions,
): Promise<void> {
  const existing = await callRegistry(() => registry.lookup(identity.did), 'LOOKUP_FAILED');
  const clock = options.clock ?? Date.now;
  const keys = await createKeyRecord(identity, { clock });
  if (!existing) {
    const { name, capabilities, sendScopes, receiveScopes, organization, xchange } = options;
    const more = { name, capabilities, sendScopes, receiveScopes, organization, xchange };
    const entry: Registration = { did: identity.did, keys, ...given(more) };
    return assertOk(await callRegistry(() => registry.register(entry)));
  }
  if (!existing.keys) return assertOk(await callRegistry(() => registry.updateKeys(keys)));
  if (sameKeys(existing.keys, keys)) return;
  const epoch = Math.max(keys.epoch, existing.keys.epoch + 1); // two changes of keys within one second
  const successor = await createKeyRecord(identity, { epoch });
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

function assertOk(result: Result<void>): void {
  if (result.ok) return;
  const known = toXlinkError(result.error);
  throw known.category === 'registry' ? known : xlinkError('REGISTRATION_FAILED', { cause: known });
}
