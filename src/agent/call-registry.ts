import { xlinkError } from '../errors/errors.js';
import type { Awaitable } from '../util/awaitable.js';

/** What a registry answers. Throws `id`, with the failure as `cause`, if it could not be asked. */
export async function callRegistry<T>(
  question: () => Awaitable<T>,
  id: 'LOOKUP_FAILED' | 'REGISTRATION_FAILED' = 'REGISTRATION_FAILED',
): Promise<T> {
  try {
    return await question();
  } catch (cause) {
    throw xlinkError(id, { cause });
  }
}
