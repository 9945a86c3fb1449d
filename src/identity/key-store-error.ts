import { XlinkError, xlinkError } from '../errors/service-errors.js';
import type { ErrorId } from '../errors/table.js';

/** What a store failed with, as it is told: errors that say `KEY_STORE_…` already stay as they are. */
export const keyStoreError = (cause: unknown, id: ErrorId = 'KEY_STORE_UNAVAILABLE'): XlinkError =>
  cause instanceof XlinkError && cause.code.startsWith('KEY_STORE_') ? cause : xlinkError(id, { cause });

/** The same for what a store does. */
export async function orKeyStoreError<T>(work: () => T | PromiseLike<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw keyStoreError(cause);
  }
}
