import { defaultProvider } from '#provider';
import { xlinkError } from '../errors/errors.js';
import type { KeyStore, StoredEpochs } from '../identity/key-store.js';
import { orKeyStoreError } from '../identity/key-store-error.js';
import { overlapEnd } from '../identity/succession.js';
import { WrappingKeyIds } from '../identity/wrapping-key-ids.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Clock, Did } from '../types/protocol.js';
import { checkOptions, hasMethods, isPromptFunction, requireOption } from '../util/options.js';
import { callRegistry } from './call-registry.js';

/** Options of {@link retireKeyStore}. */
export interface RetireKeyStoreOptions {
  /** Says whether the identity has ended. */
  readonly registry: TrustRegistry;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

/** What {@link retireKeyStore} has done. */
export interface RetiredKeyStore {
  /** Whose keys they were; `undefined` for a store that holds nothing. */
  readonly did: Did | undefined;
  /** How many wrapping keys were destroyed. */
  readonly erased: number;
}

/**
 * Erases the encryption keys of an identity that has ended: whose place another one took, and the overlap is over, or that was
 * revoked. Its agents did that on schedule; once none of them runs any more, nobody does. Nothing that is still on its way to the
 * old DID can be opened afterwards. Needs the store alone, not the identity; doing it again is safe, and erases what an agent that still ran has
 * made meanwhile.
 *
 * Rejects with `INVALID_OPTION` while the identity is good, `LOOKUP_FAILED` or `KEY_STORE_…`.
 */
export async function retireKeyStore(
  keyStore: KeyStore,
  options: RetireKeyStoreOptions,
): Promise<RetiredKeyStore> {
  checkOptions('retireKeyStore', options, { registry: hasMethods('lookup'), clock: isPromptFunction });
  requireOption('retireKeyStore', options, 'registry');
  const { registry, clock = Date.now } = options;
  for (let erased = 0; ; ) {
    const stored = await orKeyStoreError(() => keyStore.load());
    if (!stored) return { did: undefined, erased };
    const { value, version } = stored;
    await assertEnded(value.did, registry, clock());
    erased += await orKeyStoreError(() => destroyAll(keyStore, value));
    const emptied = { ...value, epochs: [] };
    if (value.epochs.length === 0 || (await orKeyStoreError(() => keyStore.save(emptied, version))))
      return { did: value.did, erased };
  }
}

async function assertEnded(did: Did, registry: TrustRegistry, now: number): Promise<void> {
  const entry = await callRegistry(() => registry.lookup(did), 'LOOKUP_FAILED');
  const { succeededBy } = entry ?? {};
  if (entry?.status === 'revoked' || (succeededBy && now > overlapEnd(succeededBy))) return;
  const why = succeededBy
    ? `is good until ${new Date(overlapEnd(succeededBy)).toISOString()}`
    : entry
      ? 'was neither succeeded nor revoked'
      : 'is not in the registry';
  throw xlinkError('INVALID_OPTION', { field: 'keyStore', hint: `retireKeyStore: ${did} ${why}.` });
}

/** Those of rotations that were begun and never committed, too. */
async function destroyAll({ wrappingKeys }: KeyStore, { did, epochs }: StoredEpochs): Promise<number> {
  const ids = await WrappingKeyIds.of({ did, crypto: defaultProvider() });
  const own = (await wrappingKeys.ids()).filter((id) => ids.epochOf(id) !== undefined);
  const known = epochs.map(({ wrappingKey }) => wrappingKey);
  for (const id of new Set([...own, ...known])) await wrappingKeys.destroy(id);
  return own.length;
}
