/** The id of an error of any package of the library. */
export const idOf = (error: unknown): string => {
  const { id } = (error ?? {}) as { readonly id?: unknown };
  return typeof id === 'string' ? id : 'INTERNAL';
};
