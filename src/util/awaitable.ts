/** What a native provider answers at once and a browser answers later. */
export type Awaitable<T> = T | Promise<T>;
