import type { XStoreBackend } from '../stores/backend.js';
import type { Collected } from './collect.js';
import type { PasskeyOwner } from './meta.js';
import { goodShares } from './open-shares.js';
import { decodeShare } from './share-format.js';

/**
 * What a store holds. `good`: its HMAC is good under the keys of the others. `bad`: it is not, or it is no share of this passkey. `stale`: of an
 * earlier splitting. `missing`: none. `unavailable`: the store did not answer. `not-asked`: a human would have to.
 */
export type ShareState = 'good' | 'bad' | 'stale' | 'missing' | 'unavailable' | 'not-asked';

/** What {@link PasskeyVault.audit} found. */
export interface AuditReport {
  /** Each store, in the order of the vault. */
  readonly stores: readonly { readonly id: string; readonly state: ShareState }[];
  /** Good shares. */
  readonly good: number;
  /** How many it takes; 0 if no share could be read. */
  readonly threshold: number;
  /** How many good shares may yet be lost; negative: the passkey cannot be used now. */
  readonly spare: number;
  /** All stores have a good share. */
  readonly isWhole: boolean;
}

/** Makes the report of what stores answered. */
export function auditOf(
  owner: Required<PasskeyOwner>,
  stores: readonly XStoreBackend[],
  found: readonly Collected[],
): AuditReport {
  const given = found.filter(({ bytes }) => bytes);
  const states = new Map<XStoreBackend, ShareState>();
  for (const { store, bytes, failed } of found)
    if (!bytes) states.set(store, failed === undefined ? 'missing' : 'unavailable');
  try {
    const { bad, stale } = goodShares(
      given.map(({ bytes }) => bytes!),
      owner,
    );
    for (const [at, { store }] of given.entries())
      states.set(store, bad.includes(at) ? 'bad' : stale.includes(at) ? 'stale' : 'good');
  } catch {
    // Fewer than it takes: of one alone nobody can tell whether it is good.
    for (const { store } of given) states.set(store, 'bad');
  }
  const rows = stores.map((store) => ({ id: store.id, state: states.get(store) ?? ('not-asked' as const) }));
  const good = rows.filter(({ state }) => state === 'good').length;
  const threshold = Math.max(0, ...given.map(({ bytes }) => decodeShare(bytes!)?.share.threshold ?? 0));
  return { stores: rows, good, threshold, spare: good - threshold, isWhole: good === stores.length };
}
