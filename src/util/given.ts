/** Members that may be absent, but are not `undefined`. */
export type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** The members that are not `undefined`: spread over others, they replace only what they have something for. */
export function given<T extends object>(members: T): Given<T> {
  const found: Record<string, unknown> = {};
  for (const name of Object.keys(members)) {
    const value = members[name as keyof T];
    if (value !== undefined) found[name] = value;
  }
  return found as Given<T>;
}
