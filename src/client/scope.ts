import type { Scope } from '../types/protocol.js';
import type { Enrollment } from './enroller.js';
import type { XlinkFetchOptions } from './options.js';

/** What the caller chose, else the first scope that was granted by name, else `default`. */
export function scopeOf(
  chosen: XlinkFetchOptions['scope'],
  request: Request,
  enrollment: Enrollment | undefined,
): Scope {
  if (typeof chosen === 'function') return chosen(request);
  if (chosen !== undefined) return chosen;
  const granted = enrollment?.state === 'enrolled' ? enrollment.scopes : undefined;
  return granted?.find((scope) => scope !== '*') ?? 'default';
}
