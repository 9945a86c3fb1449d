import { PurchaseError } from './errors.mjs';

/** Losing so often in a row to other instances is not chance any more. */
const MAX_ATTEMPTS = 100;

/**
 * Changes a document of a store atomically among all instances. `change` is given what is there and returns what takes its place; the
 * very same: nothing is written. It may be called several times. Resolves to what is there then. What the store throws becomes
 * `STORE_UNAVAILABLE`, what `change` throws stays what it is.
 * @template T
 * @param {import('@private.me/xlink').OperationsStore} store
 * @param {string} id
 * @param {(before: T | undefined) => T} change
 * @returns {Promise<T>}
 */
export async function update(store, id, change) {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const found = await guarded(() => store.load(id));
    const before = found && JSON.parse(found.json);
    const after = change(before);
    if (after === before) return after;
    if (await guarded(() => store.save(id, JSON.stringify(after), found?.version ?? 0))) return after;
  }
  throw new PurchaseError('STORE_UNAVAILABLE', {
    cause: new Error(`others were faster ${MAX_ATTEMPTS} times`),
  });
}

/**
 * @template T
 * @param {() => T} ask
 */
export async function guarded(ask) {
  try {
    return await ask();
  } catch (cause) {
    throw new PurchaseError('STORE_UNAVAILABLE', { cause, retryAfterMs: 5000 });
  }
}
