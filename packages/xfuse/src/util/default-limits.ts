import { type LimitStore, MemoryLimitStore } from '@private.me/xlink';

const byStore = new WeakMap<object, LimitStore>();
const byPlace = new Map<string, LimitStore>();

/**
 * Where attempts are counted unless a store for them is given: one for each store of records in this process, so that a new manager
 * begins no new count. Stores with a `place` of the same name are one.
 */
export function defaultLimits(records: object): LimitStore {
  const { place } = records as { place?: unknown };
  const [map, key] = typeof place === 'string' ? [byPlace, place] : [byStore, records];
  const counts = map as {
    get(key: unknown): LimitStore | undefined;
    set(key: unknown, limits: LimitStore): void;
  };
  const known = counts.get(key) ?? new MemoryLimitStore();
  counts.set(key, known);
  return known;
}
