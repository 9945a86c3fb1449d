import { xlinkError } from '../errors/errors.js';

/** What goes wrong becomes `CLIENT_STORE_UNAVAILABLE`. */
export async function unavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw xlinkError('CLIENT_STORE_UNAVAILABLE', { cause });
  }
}
