/** What a native provider answers at once and a browser answers later. */
export type Awaitable<T> = T | Promise<T>;

/** What comes of a value: at once, if that is there. */
export const later = <T, Result>(
  value: Awaitable<T> | PromiseLike<T>,
  use: (value: T) => Awaitable<Result>,
): Awaitable<Result> => (isPromiseLike(value) ? Promise.resolve(value).then(use) : use(value));

/** Whether a value has to be awaited; also for promises of other libraries. */
export const isPromiseLike = <T>(value: Awaitable<T> | PromiseLike<T>): value is PromiseLike<T> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';

/** What `run` comes to, or, where it throws or rejects, what comes of that. */
export function orElse<T>(run: () => Awaitable<T>, failed: (error: unknown) => Awaitable<T>): Awaitable<T> {
  try {
    const made = run();
    return isPromiseLike(made) ? Promise.resolve(made).catch(failed) : made;
  } catch (error) {
    return failed(error);
  }
}

/** What `run` comes to, once `end` was called, which is so whatever comes of it. */
export function atLast<T>(run: () => Awaitable<T>, end: () => Awaitable<void>): Awaitable<T> {
  const rethrow = (error: unknown) =>
    later(end(), () => {
      throw error;
    });
  let made: Awaitable<T>;
  try {
    made = run();
  } catch (error) {
    return rethrow(error);
  }
  const after = (value: T) => later(end(), () => value);
  return isPromiseLike(made) ? Promise.resolve(made).then(after, rethrow) : after(made);
}
