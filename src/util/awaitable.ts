/** What a native provider answers at once and a browser answers later. */
export type Awaitable<T> = T | Promise<T>;

/** Whether a value has to be awaited; also for promises of other libraries. */
export const isPromiseLike = <T>(value: Awaitable<T> | PromiseLike<T>): value is PromiseLike<T> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
