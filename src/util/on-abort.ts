const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once the signal is aborted; returns how to take that back. For signals that last: any number may wait, where
 * Node warns of a leak from eleven listeners on.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const known = waiting.get(signal);
  const callbacks = known ?? new Set();
  callbacks.add(callback);
  if (!known) {
    waiting.set(signal, callbacks);
    signal.addEventListener('abort', () => callAll(callbacks), { once: true });
  }
  return () => void callbacks.delete(callback);
}

function callAll(callbacks: ReadonlySet<() => void>): void {
  for (const callback of [...callbacks]) callback();
}
