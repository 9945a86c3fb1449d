import { ALL_SCOPES } from '../checks/scope.js';
import type { Scope } from '../types/protocol.js';
import { tell } from '../util/tell.js';
import type { XlinkFetchOptions } from './options.js';

/** What the caller chose, else all that it was granted. A function that forgot to choose, or promises to, limits nothing, so it is refused. */
export function scopeOf(chosen: XlinkFetchOptions['scope'], request: Request): Scope {
  if (typeof chosen !== 'function') return chosen ?? ALL_SCOPES;
  const scope = chosen(request);
  tell(() => scope); // a rejection of a promise is nobody's to handle
  return scope || '';
}
