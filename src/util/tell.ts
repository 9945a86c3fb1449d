import { isPromiseLike } from './awaitable.js';

/**
 * Calls a listener that is not awaited. Neither what it throws nor a promise of it that rejects reaches anybody: it only wants to
 * hear of something, and a rejection that nobody handles ends a process.
 */
export function tell<Args extends readonly unknown[]>(
  listener: ((...args: Args) => unknown) | undefined,
  ...args: Args
): void {
  try {
    const told = listener?.(...args);
    if (isPromiseLike(told)) Promise.resolve(told).then(undefined, () => {});
  } catch {
    // what it makes of the news changes nothing
  }
}
