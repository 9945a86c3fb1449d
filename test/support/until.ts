import { setTimeout as pause } from 'node:timers/promises';

export interface Patience {
  /** Default 5000. */
  readonly withinMs?: number;
  /** What is waited for, for the error. */
  readonly what?: string;
}

/** Asks again and again until the answer is yes; rejects after the deadline. What `holds` throws ends the wait at once. */
export async function until(
  holds: () => unknown,
  { withinMs = 5000, what = 'a condition' }: Patience = {},
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what} in vain`);
    await pause(10);
  }
}

/** Looks again and again until there is something, and returns it; rejects after the deadline, 40 s by default. */
export async function untilFound<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 40_000,
): Promise<T> {
  let found: T | undefined | false;
  await until(
    async () => {
      found = await look();
      return found;
    },
    { withinMs, what },
  );
  return found as T;
}
