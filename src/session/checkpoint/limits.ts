import { isMembers } from '../../util/members.js';

/** How much of a session may be unsigned. */
export interface CheckpointLimits {
  /** A request is refused that would be the one of this number among those that are not signed, itself included. */
  readonly requests: number;
  /** So long after the last checkpoint requests are refused, in seconds. */
  readonly seconds: number;
}

export const MIN_REQUESTS = 8;
export const MAX_REQUESTS = 4096;
export const MAX_SECONDS = 3600;

/** Of a grant: `undefined` if it says none, `null` for what are no limits. */
export function readLimits(value: unknown): CheckpointLimits | undefined | null {
  if (value === undefined) return undefined;
  if (!isMembers(value)) return null;
  const { requests, seconds } = value;
  const isIn = (number: unknown, min: number, max: number): number is number =>
    Number.isInteger(number) && (number as number) >= min && (number as number) <= max;
  if (!isIn(requests, MIN_REQUESTS, MAX_REQUESTS) || !isIn(seconds, 1, MAX_SECONDS)) return null;
  return { requests, seconds };
}
