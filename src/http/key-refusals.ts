import type { ErrorId } from '../errors/table.js';

/** Refusals of a key that ask for xLink instead, now and later. */
export const KEY_IS_OVER: ReadonlySet<ErrorId | undefined> = new Set<ErrorId>([
  'XLINK_REQUIRED',
  'API_KEY_LATCHED',
  'API_KEY_SWITCHED_OFF',
]);

/** Refusals of a key that ask for xLink instead; a brownout passes. */
export const ASKS_FOR_XLINK: ReadonlySet<ErrorId | undefined> = new Set([...KEY_IS_OVER, 'API_KEY_BROWNOUT']);
