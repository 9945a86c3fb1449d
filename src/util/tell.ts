/**
 * Calls a listener that is not awaited. Neither what it throws nor a promise of it that rejects reaches anybody: it only wants to
 * hear of something, and a rejection that nobody handles ends a process.
 */
export function tell<Args extends readonly unknown[]>(
  listener: ((...args: Args) => unknown) | undefined,
  ...args: Args
): void {
  const told = async () => listener?.(...args); // called at once
  told().catch(() => {});
}
