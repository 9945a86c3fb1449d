import { createKeyRecord, type Identity, type ManagedTrustRegistry } from '@private.me/xlink';

/** Puts an identity into its own registry, with all scopes; what is there stays. */
export async function registerSelf(
  registry: ManagedTrustRegistry,
  identity: Identity,
  name: string,
): Promise<void> {
  if (await registry.lookup(identity.did)) return;
  const keys = await createKeyRecord(identity);
  const entry = { did: identity.did, name, keys, sendScopes: ['*'], receiveScopes: ['*'] };
  const result = await registry.register(entry);
  if (!result.ok && result.error.id !== 'REGISTRATION_FAILED:ALREADY_REGISTERED') throw result.error;
}
