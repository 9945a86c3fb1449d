import type { NodeRequest } from './types.js';

/** The value of a header, as one text. Names come from callers, too, and `constructor` is a member of every object. */
export function fieldOf({ headers }: Pick<NodeRequest, 'headers'>, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return Array.isArray(value) ? value.join(', ') : value;
}
