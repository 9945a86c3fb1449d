/**
 * For tests of several cases that mostly wait: whoever asks for its outcome first sets off all of them. What is returned
 * resolves or rejects as `run` did for that case.
 */
export function atOnce<C, T>(cases: readonly C[], run: (one: C, at: number) => Promise<T>) {
  let all: Promise<PromiseSettledResult<T>[]> | undefined;
  return async (at: number): Promise<T> => {
    all ??= Promise.allSettled(cases.map(run));
    const outcome = (await all)[at]!;
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  };
}
