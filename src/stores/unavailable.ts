import { xlinkError } from '../errors/service-errors.js';
import type { ErrorId } from '../errors/table.js';

/** What goes wrong becomes an error with this id, and its `cause`. */
export async function unavailable<T>(
  work: () => Promise<T>,
  id: ErrorId = 'CLIENT_STORE_UNAVAILABLE',
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw xlinkError(id, { cause });
  }
}
