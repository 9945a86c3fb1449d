import { xlinkError as makeError, type XlinkError, type XlinkErrorOptions } from './errors.js';
import { addRows } from './known-rows.js';
import { SERVICE_ROWS } from './service-rows.js';
import type { ErrorId } from './table.js';

export * from './errors.js';

addRows(SERVICE_ROWS);

/** The same as for callers, where the errors of services are among those that are raised: it brings their rows along. */
export const xlinkError = (id: ErrorId, options?: XlinkErrorOptions): XlinkError => makeError(id, options);
