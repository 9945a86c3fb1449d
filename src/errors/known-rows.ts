import { CALLER_ROWS } from './caller-rows.js';
import type { ErrorRow } from './row.js';

const known: Record<string, ErrorRow> = { ...CALLER_ROWS };

/** For the rows of services, which callers do not load. */
export const addRows = (rows: Readonly<Record<string, ErrorRow>>): void => {
  Object.assign(known, rows);
};

/** What a caller says of a refusal that only services raise; its id tells the rest. */
const OF_A_SERVICE: ErrorRow = {
  status: 502,
  category: 'adapter',
  message: 'The service refused the request.',
  hint: 'Look up the id of the error in docs/errors.md.',
};

export const rowOf = (id: string): ErrorRow => (Object.hasOwn(known, id) ? known[id]! : OF_A_SERVICE);

/** Whether a text has the form of an id: `CODE` or `CODE:SUB_CODE`. */
export const isErrorId = (text: string): boolean =>
  /^[A-Z][A-Z0-9_]{2,63}(:[A-Z][A-Z0-9_]{2,63})?$/.test(text);

/** All rows that are loaded. */
export const knownRows = (): readonly (readonly [string, ErrorRow])[] => Object.entries(known);
