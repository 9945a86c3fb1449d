import { xlinkError } from '../errors/errors.js';

/** How far a timestamp may be from the receiver's clock, on either side, unless chosen otherwise: 30 s. */
export const DEFAULT_TIMESTAMP_WINDOW_MS = 30_000;

/** The oldest message that can be asked for: the seven days of a relay and one more. */
export const MAX_AGE_LIMIT_MS = 8 * 86_400_000;

/**
 * Two-sided; `maxAgeMs` is for the past. Throws `TIMESTAMP_EXPIRED` or `TIMESTAMP_EXPIRED:FUTURE`.
 */
export function checkTimestamp(timestamp: number, now: number, windowMs: number, maxAgeMs = windowMs): void {
  if (timestamp < now - maxAgeMs) throw xlinkError('TIMESTAMP_EXPIRED', { field: 'timestamp' });
  if (timestamp > now + windowMs) throw xlinkError('TIMESTAMP_EXPIRED:FUTURE', { field: 'timestamp' });
}

/** How long the body of a request may take to arrive after its head, whose arrival is what counts: 5 minutes. */
export const SLOW_BODY_MS = 300_000;

/**
 * How long a nonce must be remembered: an envelope dated `windowMs` ahead stays good for that long and `maxAgeMs` more, and
 * may take {@link SLOW_BODY_MS} to arrive. One second more for stores that round.
 */
export const nonceTtlMs = (windowMs: number, maxAgeMs = windowMs): number =>
  windowMs + Math.max(maxAgeMs, windowMs) + SLOW_BODY_MS + 1000;
