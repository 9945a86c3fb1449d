import { ALL_SCOPES } from '../checks/scope.js';
import { toXlinkError, xlinkError } from '../errors/errors.js';
import type { Result } from '../errors/result.js';
import { derivedKeyRing, type EncryptionKeys, type KeyRing } from '../identity/encryption-keys.js';
import type { Identity } from '../identity/identity.js';
import { createKeyRecord, sameKeys } from '../identity/key-record.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Clock, Registration, RegistryEntry } from '../types/protocol.js';
import { given } from '../util/given.js';
import { callRegistry } from './call-registry.js';
import { commitmentTo } from './commitment.js';
import type { Commitment } from './context.js';
import type { AgentOptions } from './options.js';
import { recordOf } from './own-record.js';

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
  const encryption = await keyRing.current();
  const commitment = await commit();
  if (existing) return publishKeys(registry, identity, existing, encryption, commitment, options.clock);
  const keys = await recordOf(identity, encryption, commitment, options.clock);
  const { name, organization, xchange } = options;
  const capabilities = capabilityNames(options);
  // In an entry no list means none: an agent that was not restricted says so.
  const { sendScopes = [ALL_SCOPES], receiveScopes = [ALL_SCOPES] } = options;
  const more = { name, capabilities, sendScopes, receiveScopes, organization, xchange };
  const entry: Registration = { did: identity.did, keys, ...given(more) };
  return assertOk(await callRegistry(() => registry.register(entry)));
}

/** For people who look at the registry; what counts is what the agent says when it is asked. */
function capabilityNames({ capabilities, tools, discoverable }: AgentOptions): readonly string[] | undefined {
  if ((!capabilities && !tools) || discoverable === false) return undefined;
  const all = [...(capabilities ?? []), ...(tools ?? [])];
  return [...new Set(all.map((each) => (typeof each === 'string' ? each : each.name)))];
}

/**
 * Brings the keys of an entry up to date. Throws `REGISTRATION_FAILED…`, and `KEY_STORE_ROLLED_BACK` for keys that are older than
 * those of the entry.
 */
export async function publishKeys(
  registry: TrustRegistry,
  identity: Identity,
  { keys: known }: RegistryEntry,
  encryption: EncryptionKeys,
  commitment: Commitment,
  clock?: Clock,
): Promise<void> {
  const keys = await recordOf(identity, encryption, commitment, clock);
  if (!known) return assertOk(await callRegistry(() => registry.updateKeys(keys)));
  if (keys.keyEpoch < known.keyEpoch) throw xlinkError('KEY_STORE_ROLLED_BACK', { field: 'keyStore' });
  if (sameKeys(known, keys)) return;
  const epoch = Math.max(keys.epoch, known.epoch + 1); // two changes of keys within one second
  const successor = await createKeyRecord(identity, { epoch, encryption, ...commitment });
  return assertOk(await callRegistry(() => registry.updateKeys(successor)));
}

export function assertOk(result: Result<void>): void {
  if (result.ok) return;
  const known = toXlinkError(result.error);
  throw known.category === 'registry' ? known : xlinkError('REGISTRATION_FAILED', { cause: known });
}
