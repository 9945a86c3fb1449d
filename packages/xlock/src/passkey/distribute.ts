import { XlockError } from '../errors.js';
import type { XStoreBackend } from '../stores/backend.js';
import { problemOf, type StoreProblem } from '../stores/problem.js';
import { sameBytes, wipe } from '../util/bytes.js';
import type { Collected } from './collect.js';

/** Where shares arrived. */
export interface Distributed {
  readonly stored: readonly string[];
  /** Ids of stores that did not take theirs. */
  readonly missing: readonly string[];
  /** Why, for each of these. */
  readonly problems: readonly StoreProblem[];
}

/**
 * Puts one share into each store, one store after the other, so that a crash leaves enough shares of the old splitting or of the new
 * one wherever N is at least 2K - 1. If fewer than K arrive, what was there is put back, and `PASSKEY_STORAGE_FAILED` thrown.
 */
export async function distribute(
  stores: readonly XStoreBackend[],
  name: string,
  shares: readonly Uint8Array[],
  threshold: number,
  before: readonly Collected[],
  onVerify: () => void,
): Promise<Distributed> {
  const stored: XStoreBackend[] = [];
  const failed = new Map<XStoreBackend, unknown>();
  for (const [at, store] of stores.entries()) {
    try {
      await store.put(name, shares[at]!);
      stored.push(store);
    } catch (error) {
      failed.set(store, error);
    }
  }
  onVerify();
  const kept: XStoreBackend[] = [];
  for (const store of stored) {
    const error = store.manual ? undefined : await lost(store, name, shares[stores.indexOf(store)]!);
    if (error === undefined) kept.push(store);
    else failed.set(store, error);
  }
  const ids = (some: readonly XStoreBackend[]) => some.map(({ id }) => id);
  wipe(...shares);
  const problems = [...failed].map(([store, error]) => problemOf(store, error));
  if (kept.length >= threshold) return { stored: ids(kept), missing: problems.map(({ id }) => id), problems };
  for (const store of stored) await putBack(store, name, before);
  throw new XlockError('PASSKEY_STORAGE_FAILED', {
    details: { stored: ids(kept), problems },
    cause: [...failed.values()].at(-1),
  });
}

/** Why a store does not hold what it took; `undefined` if it does. */
async function lost(store: XStoreBackend, name: string, share: Uint8Array): Promise<unknown> {
  try {
    const found = await store.get(name);
    if (found && sameBytes(found, share)) return undefined;
    return new Error('The store does not give back what it took.');
  } catch (error) {
    return error;
  }
}

async function putBack(store: XStoreBackend, name: string, before: readonly Collected[]): Promise<void> {
  const old = before.find((one) => one.store === store)?.bytes;
  try {
    if (old) await store.put(name, old);
    else await store.delete(name);
  } catch {
    // it is down now; what it holds is too little to be of use
  }
}
