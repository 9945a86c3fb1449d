import { MeshError } from '../errors/mesh-error.js';

/** Rejects with `SIGNAL_DIRECTORY_FAILED` once the signal is aborted. */
export function endedBy<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => reject(new MeshError('SIGNAL_DIRECTORY_FAILED', { cause: signal.reason }));
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', end));
  });
}
