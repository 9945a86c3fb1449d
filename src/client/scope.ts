import { ALL_SCOPES } from '../checks/scope.js';
import type { Scope } from '../types/protocol.js';
import { isText, promptAnswer } from '../util/prompt-answer.js';
import type { XlinkFetchOptions } from './options.js';

/** What the caller chose, else all that it was granted. A function that forgot to choose limits nothing, so it is refused. */
export const scopeOf = (chosen: XlinkFetchOptions['scope'], request: Request): Scope =>
  typeof chosen === 'function'
    ? promptAnswer('scope', chosen(request), isText, 'a scope')
    : (chosen ?? ALL_SCOPES);
