import { onAbort } from '../util/on-abort.js';

/** Settles as the promise does, or rejects with the reason of the signal, whichever comes first. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    promise.then(resolve, reject).finally(onAbort(signal, stop));
  });
}

/**
 * Does some work within `ms` milliseconds. When the time is up, or the outer signal says so, the signal of the work is
 * aborted and the promise rejects, whether or not the work listens.
 */
export async function withDeadline<T>(
  ms: number,
  expired: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  outer?.throwIfAborted();
  const controller = new AbortController();
  const unlink = outer && onAbort(outer, () => controller.abort(outer.reason));
  const timer = setTimeout(() => controller.abort(expired()), ms);
  try {
    return await untilAborted(work(controller.signal), controller.signal);
  } finally {
    clearTimeout(timer);
    unlink?.();
    controller.abort(); // drops a connection whose body is not read
  }
}
