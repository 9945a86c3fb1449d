import type { Scope } from '../types/types.js';
import type { Enrolment } from './enroller.js';
import type { XlinkFetchOptions } from './options.js';

/** What the caller chose, else the first scope that was granted by name, else `default`. */
export function scopeOf(
  chosen: XlinkFetchOptions['scope'],
  request: Request,
  enrolment: Enrolment | undefined,
): Scope {
  if (typeof chosen === 'function') return chosen(request);
  if (chosen !== undefined) return chosen;
  const granted = enrolment?.state === 'enrolled' ? enrolment.scopes : undefined;
  return granted?.find((scope) => scope !== '*') ?? 'default';
}
