export { type FrozenClock, frozenClock } from '../../src/testing/frozen-clock.js';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const NOON = Date.UTC(2025, 0, 1, 12);
