export type { Clock, Did, Scope } from '@private.me/xlink';

/** At once, or by a promise. */
export type Awaitable<T> = T | PromiseLike<T>;
