import { randomUUID } from 'node:crypto';
import { guarded, update } from './documents.mjs';
import { PurchaseError } from './errors.mjs';

/** @typedef {import('./types.d.ts').PurchaseRecord} PurchaseRecord */

/** How long a key is remembered, from its first use. Stripe remembers its own for at least as long, and from a moment later. */
const KEPT_MS = 24 * 3_600_000;

/** How long a run may go without a word before another may take it over; longer than any run takes. */
export const LEASE_MS = 120_000;

/** How long an expired record is kept, so that a key that is used again is a new one for the provider. */
const GRACE_MS = KEPT_MS;

/**
 * What happened under each idempotency key. One document for each purchase, changed by compare-and-set, so that of any number of
 * requests on any number of instances one runs.
 */
export class PurchaseRecords {
  #store;
  #clock;

  /**
   * @param {import('@private.me/xlink').OperationsStore} store shared by all instances
   * @param {() => number} clock
   */
  constructor(store, clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Claims the purchase, or finds it `done`. Throws `IDEMPOTENCY_KEY_REUSED` and `PURCHASE_IN_PROGRESS`.
   * @param {string} id
   * @param {string} bodyHash
   * @param {(now: number) => import('./types.d.ts').Order} order what a first run is about; later ones repeat that
   * @returns {Promise<PurchaseRecord>}
   */
  async begin(id, bodyHash, order) {
    const token = randomUUID();
    const now = this.#clock();
    const run = /** @type {const} */ ({ state: 'running', token, leaseUntil: now + LEASE_MS });
    return update(this.#store, docId(id), (/** @type {PurchaseRecord | undefined} */ before) => {
      const isRunning = before?.state === 'running' && before.leaseUntil > now;
      if (!before || (before.expiresAt <= now && !isRunning)) {
        const generation = (before?.generation ?? 0) + 1;
        return { ...run, bodyHash, order: order(now), expiresAt: now + KEPT_MS, generation, attempt: 1 };
      }
      if (before.bodyHash !== bodyHash) throw new PurchaseError('IDEMPOTENCY_KEY_REUSED');
      if (before.state === 'done') return before;
      // Sooner only a run that ends in time has an answer, and each attempt counts for the limit.
      if (isRunning)
        throw new PurchaseError('PURCHASE_IN_PROGRESS', {
          retryAfterMs: Math.min(Math.max(before.leaseUntil - now, 1000), LEASE_MS),
        });
      return { ...before, ...run };
    });
  }

  /**
   * It was charged, and that is true whoever held it.
   * @param {string} id
   * @param {number} generation the one that was charged: a key may be in use again
   * @param {string} subscriptionId
   */
  complete(id, generation, subscriptionId) {
    return this.#change(id, (before) => {
      if (before.generation !== generation || before.state === 'done') return before;
      return { ...before, state: 'done', subscriptionId };
    });
  }

  /**
   * It may be tried again, at once. After a decline as a new attempt; where nobody knows, as the same one. Resolves to what is there
   * then: `done`, if a webhook was faster.
   * @param {string} id
   * @param {PurchaseRecord} run as `begin` gave it
   * @param {'declined' | 'unknown'} reason
   */
  fail(id, { token, attempt }, reason) {
    return this.#change(id, (before) => {
      if (before.token !== token || before.state !== 'running') return before;
      return { ...before, state: 'failed', reason, attempt: attempt + (reason === 'declined' ? 1 : 0) };
    });
  }

  /** Removes what is over. Reads all that is kept: a day or two of purchases. */
  async sweep() {
    const now = this.#clock();
    for (const { id, json, version } of await guarded(() => this.#store.list('purchase')))
      if (JSON.parse(json).expiresAt + GRACE_MS <= now) await guarded(() => this.#store.remove(id, version));
  }

  /**
   * Nothing is made where there is nothing.
   * @param {string} id
   * @param {(before: PurchaseRecord) => PurchaseRecord} change
   * @returns {Promise<PurchaseRecord | undefined>}
   */
  #change(id, change) {
    return update(this.#store, docId(id), (/** @type {any} */ before) => before && change(before));
  }
}

const docId = (/** @type {string} */ id) => `purchase/${id}`;
