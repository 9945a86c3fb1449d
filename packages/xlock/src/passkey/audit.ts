import { isXlockError } from '../errors.js';
import type { XStoreBackend } from '../stores/backend.js';
import { reasonOf } from '../stores/problem.js';
import type { Collected } from './collect.js';
import type { PasskeyOwner } from './meta.js';
import { goodShares } from './open-shares.js';
import { decodeShare } from './share-format.js';

/**
 * What a store holds. `good`: its HMAC is good under the keys of the others. `bad`: it is not, or it is no share of this passkey. `unchecked`: a share,
 * but too few others agree with it to tell. `stale`: of another splitting. `missing`: none. `unreadable`: something that the store cannot open.
 * `unavailable`: the store did not answer. `not-asked`: a human would have to.
 */
export type ShareState =
  | 'good'
  | 'bad'
  | 'unchecked'
  | 'stale'
  | 'missing'
  | 'unreadable'
  | 'unavailable'
  | 'not-asked';

/** One store in an {@link AuditReport}. */
export interface AuditedStore {
  readonly id: string;
  readonly state: ShareState;
  /** Why it is `unreadable` or `unavailable`, in one line for people. */
  readonly reason?: string;
}

/** What {@link PasskeyVault.audit} found. */
export interface AuditReport {
  /** Each store, in the order of the vault. */
  readonly stores: readonly AuditedStore[];
  /** Good shares. */
  readonly good: number;
  /** How many it takes, by the good shares, or by most of them where too few are there to tell; 0 if no share could be read. */
  readonly threshold: number;
  /** How many good shares may yet be lost. */
  readonly spare: number;
  /** How many good shares there are too few: over 0 the passkey cannot be used now. */
  readonly lacking: number;
  /** All stores have a good share. */
  readonly isWhole: boolean;
}

/** Makes the report of what stores answered. */
export function auditOf(
  owner: Required<PasskeyOwner>,
  stores: readonly XStoreBackend[],
  found: readonly Collected[],
): AuditReport {
  const given = found.filter(({ bytes }) => bytes).map(({ store, bytes }) => ({ store, bytes: bytes! }));
  const { states, threshold } = statesOf(owner, given);
  const rows = stores.map((store): AuditedStore => {
    const { id } = store;
    const state = states.get(store);
    if (state) return { id, state };
    const one = found.find((answer) => answer.store === store);
    if (!one) return { id, state: 'not-asked' };
    if (one.failed === undefined) return { id, state: 'missing' };
    const isUnreadable = isXlockError(one.failed, 'SHARE_UNREADABLE');
    return { id, state: isUnreadable ? 'unreadable' : 'unavailable', reason: reasonOf(one.failed) };
  });
  const good = rows.filter(({ state }) => state === 'good').length;
  return {
    stores: rows,
    good,
    threshold,
    spare: Math.max(0, good - threshold),
    lacking: Math.max(0, threshold - good),
    isWhole: good === stores.length,
  };
}

function statesOf(
  owner: Required<PasskeyOwner>,
  given: readonly { readonly store: XStoreBackend; readonly bytes: Uint8Array }[],
): { readonly states: Map<XStoreBackend, ShareState>; readonly threshold: number } {
  const states = new Map<XStoreBackend, ShareState>();
  const shares = given.map(({ bytes }) => bytes);
  try {
    const { good, bad, stale } = goodShares(shares, owner);
    for (const [at, { store }] of given.entries())
      states.set(store, bad.includes(at) ? 'bad' : stale.includes(at) ? 'stale' : 'good');
    return { states, threshold: good[0]!.share.threshold };
  } catch (error) {
    const { bad = [] } = Object(Object(error).details) as { bad?: number[] };
    for (const [at, { store }] of given.entries()) states.set(store, bad.includes(at) ? 'bad' : 'unchecked');
    return { states, threshold: mostNamedThreshold(shares) };
  }
}

/** What most shares say, for where nobody can tell which are good; the higher one of two that as many say; 0 without any. */
function mostNamedThreshold(shares: readonly Uint8Array[]): number {
  const named = shares.flatMap((bytes) => decodeShare(bytes)?.share.threshold ?? []);
  const times = (threshold: number) => named.filter((one) => one === threshold).length;
  return named.sort((a, b) => times(b) - times(a) || b - a)[0] ?? 0;
}
