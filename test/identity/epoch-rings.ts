import type { KeyStore, StoredEpochs, WrappingKeyStore } from '@private.me/xlink';
import { EpochKeyRing, type EpochOptions } from '../../src/identity/epoch-key-ring.js';
import { identityOf } from '../support/agents.js';
import { DAY, HOUR, MINUTE } from '../support/clock.js';

// Rings of encryption keys, and stores that fail in the ways that stores do.

export const ROTATION_MS = 7 * DAY;
export const OVERLAP_MS = DAY;
export const LATE_MS = HOUR;
/** From the beginning of an epoch to its erasure. */
export const LIFE_MS = ROTATION_MS + OVERLAP_MS + LATE_MS;

/** A ring of the service, as each instance has one. */
export async function ringOver(
  store: KeyStore,
  clock: () => number,
  { name = 'service', ...more }: Partial<EpochOptions> & { readonly name?: string } = {},
): Promise<EpochKeyRing> {
  const times = { rotationMs: ROTATION_MS, overlapMs: OVERLAP_MS, lateMs: LATE_MS };
  return new EpochKeyRing(await identityOf(name), store, { clock, ...times, ...more });
}

export const numberOf = async (keys: PromiseLike<{ readonly keyEpoch: number }>): Promise<number> =>
  (await keys).keyEpoch;

/** What a call of a store is to do in place of itself, or beside. */
type Fault = (call: () => unknown) => unknown;

export const isDown: Fault = () => Promise.reject(new Error('the store is down'));
/** It is done, and nobody hears of it. */
export const answerIsLost: Fault = async (call) => {
  await call();
  throw new Error('the answer got lost');
};

type Method = 'load' | 'save' | 'put' | 'get' | 'destroy' | 'ids';

/** A store whose methods fail as told; each call takes a turn of the event loop, so that others come in between. */
export class FaultyKeyStore implements KeyStore {
  readonly faults: Partial<Record<Method, Fault>> = {};
  readonly calls: Method[] = [];
  readonly wrappingKeys: WrappingKeyStore;
  readonly #store: KeyStore;

  constructor(store: KeyStore) {
    this.#store = store;
    const { wrappingKeys } = store;
    this.wrappingKeys = {
      put: (id, key) => this.#call('put', () => wrappingKeys.put(id, key)),
      get: (id) => this.#call('get', () => wrappingKeys.get(id)),
      destroy: (id) => this.#call('destroy', () => wrappingKeys.destroy(id)),
      ids: () => this.#call('ids', () => wrappingKeys.ids()),
    };
  }

  load() {
    return this.#call('load', () => this.#store.load());
  }

  save(value: StoredEpochs, expectedVersion: number): Promise<boolean> {
    return this.#call('save', () => this.#store.save(value, expectedVersion));
  }

  all(fault: Fault | undefined): void {
    for (const method of ['load', 'save', 'put', 'get', 'destroy', 'ids'] as const)
      if (fault) this.faults[method] = fault;
      else delete this.faults[method];
  }

  async #call<T>(method: Method, work: () => T | PromiseLike<T>): Promise<T> {
    this.calls.push(method);
    await new Promise(setImmediate);
    return (this.faults[method] ? this.faults[method](work) : work()) as T;
  }
}

export { DAY, HOUR, MINUTE };
