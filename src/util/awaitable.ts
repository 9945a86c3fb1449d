/** What a native provider answers at once and a browser answers later. */
export type Awaitable<T> = T | Promise<T>;

/** What comes of a value: at once, if that is there. */
export const later = <T, Result>(
  value: Awaitable<T> | PromiseLike<T>,
  use: (value: T) => Awaitable<Result>,
): Awaitable<Result> => (isPromiseLike(value) ? Promise.resolve(value).then(use) : use(value));

/** Whether a value has to be awaited; also for promises of other libraries. */
export const isPromiseLike = <T>(value: Awaitable<T> | PromiseLike<T>): value is PromiseLike<T> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
