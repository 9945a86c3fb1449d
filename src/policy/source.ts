import type { Awaitable } from '../util/awaitable.js';

/** Where a policy is read from, again whenever it may have changed. */
export interface PolicySource {
  /** The document, as JSON. */
  load(): Awaitable<string>;
  /** Calls the listener when the document may have changed, until the returned function is called. Default: it is read every `reloadIntervalMs`. */
  watch?(changed: () => void): () => void;
}

/** The part of an `OperationsStore` that a policy needs. */
export interface PolicyStore {
  /** The document of this name. */
  load(id: string): Awaitable<{ readonly json: string; readonly version: number } | undefined>;
  /** Writes it if its version is the expected one; 0: there is none. */
  save(id: string, json: string, expectedVersion: number): Awaitable<boolean>;
}

/** The name of the policy of a service in its store. */
export const STORED_POLICY = 'policy/current';

/**
 * A policy in an `OperationsStore`, for all instances of a service. Write it with `store.save(id, json, version)`, for which `id` is
 * `policy/current` unless said otherwise.
 */
export const policyInStore = (store: PolicyStore, id: string = STORED_POLICY): PolicySource => ({
  async load() {
    const found = await store.load(id);
    if (!found) throw new Error(`There is no document ${id} in the store.`);
    return found.json;
  },
});
