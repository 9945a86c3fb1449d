/** Members that may be absent, but are not `undefined`. */
export type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** The members that are not `undefined`: spread over others, they replace only what they have something for. */
export const given = <T extends object>(members: T): Given<T> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Given<T>;
