import { onAbort } from './on-abort.js';

/** How long to wait before attempt `attempt` (2 is the first that waits), in ms. */
export type Backoff = (attempt: number) => number;

/** Doubles from `firstMs` to `maxMs`, and takes a random time between half of that and all of it: callers drift apart. */
export const exponentialBackoff =
  (firstMs: number, maxMs: number, random: () => number = Math.random): Backoff =>
  (attempt) =>
    Math.min(firstMs * 2 ** Math.min(attempt - 2, 30), maxMs) * (0.5 + random() / 2);

/** Resolves after `ms`, or as soon as the signal is aborted. Keeps the process alive, for somebody waits for what follows. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> => rest(ms, signal, () => {});

/** The same for work that nobody waits for: does not keep a process alive. */
export const backgroundPause = (ms: number, signal: AbortSignal): Promise<void> => rest(ms, signal, unref);

function rest(ms: number, signal: AbortSignal | undefined, started: (timer: unknown) => void): Promise<void> {
  if (signal?.aborted || ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer as number);
      unlink?.();
      resolve();
    };
    const timer: unknown = setTimeout(done, ms);
    const unlink = signal && onAbort(signal, done);
    started(timer);
  });
}

/** In Node a timer is an object that may let the process end; elsewhere it is a number. */
export const unref = (timer: unknown): void => (timer as { unref?: () => void }).unref?.();
