import { xlinkError } from '../errors.js';

/** How far a timestamp may be from the receiver's clock, on either side, unless chosen otherwise: 30 s. */
export const DEFAULT_TIMESTAMP_WINDOW_MS = 30_000;

/** Two-sided. Throws `TIMESTAMP_EXPIRED` or `TIMESTAMP_EXPIRED:FUTURE`. */
export function checkTimestamp(timestamp: number, now: number, windowMs: number): void {
  if (timestamp < now - windowMs) throw xlinkError('TIMESTAMP_EXPIRED', { field: 'timestamp' });
  if (timestamp > now + windowMs) throw xlinkError('TIMESTAMP_EXPIRED:FUTURE', { field: 'timestamp' });
}

/**
 * How long a nonce must be remembered: an envelope dated `windowMs` ahead stays good for twice the window. One second
 * more for stores that round.
 */
export const nonceTtlMs = (windowMs: number): number => 2 * windowMs + 1000;
