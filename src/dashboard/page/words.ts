import type { CutoverState } from '../../types/events.js';
import type { Mode } from '../../types/mode.js';

export const MODE_WORDS: Readonly<Record<Mode, { readonly short: string; readonly long: string }>> = {
  observe: { short: 'keys decide', long: 'Keys decide; envelopes beside them are only checked and counted.' },
  hybrid: { short: 'both are taken', long: 'Keys and xLink are both accepted.' },
  deprecation: { short: 'keys are warned', long: 'Both are accepted; who uses a key is told to move.' },
  'xlink-only': { short: 'no keys', long: 'Keys are refused.' },
};

export const STATE_WORDS: Readonly<Record<CutoverState, string>> = {
  failing: 'xLink fails',
  'key-in-use': 'Still uses its key',
  'not-enrolled': 'On its key only',
  'never-used-xlink': 'Enrolled, not on xLink yet',
  'not-recent': 'Quiet on xLink',
  'key-switched-off': 'Switched its key off',
  moved: 'Moved',
  revoked: 'Revoked',
};

const numbers = new Intl.NumberFormat('en');
/** 12,345 */
export const count = (value: number): string => numbers.format(value);

/** `1 request`, `2 requests` */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** Whole percents, but never 0 or 100 where something is left. */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value === 100) return `${value} %`;
  if (value < 0.1) return '< 0.1 %';
  if (value > 99.9) return '> 99.9 %';
  return `${value.toFixed(1)} %`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time in the unit that fits it: `5 seconds`, `10 minutes`. */
export function duration(ms: number): string {
  if (ms < 2 * MINUTE && ms !== MINUTE) return counted(Math.round(ms / SECOND), 'second');
  if (ms < 2 * HOUR)
    return ms === HOUR ? 'hour' : ms === MINUTE ? 'minute' : `${Math.round(ms / MINUTE)} minutes`;
  if (ms <= DAY) return `${Math.round(ms / HOUR)} hours`;
  return `${Math.round(ms / DAY)} days`;
}

/** How long ago; coarse, so that it does not flicker. */
export function ago(time: number | undefined, now: number): string {
  if (time === undefined) return 'never';
  const ms = Math.max(0, now - time);
  if (ms < 10 * SECOND) return 'just now';
  if (ms < MINUTE) return `${10 * Math.floor(ms / (10 * SECOND))} s ago`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h ago`;
  return `${Math.floor(ms / DAY)} days ago`;
}

const format = (options: Intl.DateTimeFormatOptions) => {
  const formatter = new Intl.DateTimeFormat('en-GB', options);
  return (time: number): string => formatter.format(time);
};
export const clock = format({ hour: '2-digit', minute: '2-digit' });
export const clockWithSeconds = format({ hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const day = format({ day: 'numeric', month: 'short' });
export const dayAndClock = format({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
export const fullDay = format({ day: 'numeric', month: 'long', year: 'numeric' });

/** A moment, as short as it can be understood today. */
export const moment = (time: number, now: number): string =>
  now - time < 12 * HOUR ? clockWithSeconds(time) : dayAndClock(time);
