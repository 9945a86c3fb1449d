import { hintForOperators } from './operator-hints.js';
import { ERROR_TABLE, type ErrorId } from './table.js';

/**
 * What whoever runs a service can do about an error, by its id: for logs, dashboards and runbooks, never for callers. `undefined` for what is
 * no id of this package.
 */
export const operatorHint = (id: string): string | undefined =>
  Object.hasOwn(ERROR_TABLE, id) ? (hintForOperators(id) ?? ERROR_TABLE[id as ErrorId].hint) : undefined;
