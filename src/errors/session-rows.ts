import { addRows } from './known-rows.js';
import { row, rows } from './row.js';

/** What callers raise in sessions: loaded with them, and with the rows of services. */
// biome-ignore format: a table reads best with one row per line
export const SESSION_ROWS = {
  ...rows('client', {
    SESSION_OUTCOME_UNKNOWN: row(502, 'Whether the request was carried out is not known.', 'Its session broke off; ask the service before you repeat it.'),
  }),
} as const;

/** Makes them known to whoever raises them. */
export const addSessionRows = (): void => addRows(SESSION_ROWS);
