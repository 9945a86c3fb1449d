import { LIMITS } from './wire.js';

/** What one call for news asks about. */
export interface NewsPart {
  /** Log entries that are known, by group. */
  readonly known: ReadonlyMap<string, number>;
  /** How long it waits, in ms. */
  readonly waitMs: number;
}

/**
 * A call names so many groups and no more, for it stands in a URL: who is in more asks about them in turns, each of which waits as much less.
 */
export function newsPart(known: ReadonlyMap<string, number>, turn: number, waitMs: number): NewsPart {
  const parts = Math.ceil(known.size / LIMITS.groupsInNews);
  if (parts <= 1) return { known, waitMs };
  const from = (turn % parts) * LIMITS.groupsInNews;
  const some = [...known].slice(from, from + LIMITS.groupsInNews);
  return { known: new Map(some), waitMs: Math.floor(waitMs / parts) };
}
