import { hasMethods, type OptionCheck } from '../../util/options.js';

/** A pool. A single `pg.Client` has the same methods, and would fail at the first query, out of reach of any `catch`. */
export const isPool: OptionCheck = (value) =>
  hasMethods('connect', 'on')(value) ??
  ('connectionParameters' in (value as object) ? 'a pg.Pool, not a pg.Client' : undefined);
