import type { CutoverState } from '../../types/events.js';
import type { Mode } from '../../types/mode.js';

export const MODE_WORDS: Readonly<Record<Mode, { readonly short: string; readonly long: string }>> = {
  observe: { short: 'keys decide', long: 'Keys decide. xLink requests are only checked and counted.' },
  hybrid: { short: 'both work', long: 'Keys and xLink both work.' },
  deprecation: { short: 'keys get a warning', long: 'Both work. Clients that use a key are told to move.' },
  'xlink-only': { short: 'keys are refused', long: 'Keys are refused. Only xLink works.' },
};

export const STATE_WORDS: Readonly<Record<CutoverState, string>> = {
  failing: 'xLink fails',
  'key-in-use': 'Still uses its key',
  'not-enrolled': 'Uses its key only',
  'never-used-xlink': 'Enrolled, not using xLink yet',
  'not-recent': 'No xLink lately',
  'key-switched-off': 'Turned its key off',
  moved: 'Moved',
  revoked: 'Revoked',
};

/** What the operator can do next about a client in each state. */
export const STATE_ADVICE: Readonly<Record<CutoverState, string>> = {
  failing: 'Its last xLink request was refused. The reasons below say what to do.',
  'key-in-use':
    'xLink works for it. Ask the client to remove the key from its configuration, or move it ahead.',
  'not-enrolled': 'Ask the client to make the two-line change while its key still works.',
  'never-used-xlink': 'It has an identity and does not use it. Ask whether the change is live everywhere.',
  'not-recent': 'It used xLink once, but not lately. Ask whether this software still runs.',
  'key-switched-off': 'Nothing to do.',
  moved: 'Nothing to do.',
  revoked: 'Nothing to do: neither its keys nor its DIDs work.',
};

/** With a capital and a full stop, unless it begins with a name. */
export function sentence(text: string): string {
  const capital = text.startsWith('xLink') ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.…:]$/.test(capital) || capital === '' ? capital : `${capital}.`;
}

const numbers = new Intl.NumberFormat('en');
/** 12,345 */
export const count = (value: number): string => numbers.format(value);

/** `1 request`, `2 requests` */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** Whole percents, but never 0 or 100 where something is left. */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value === 100) return `${value}%`;
  if (value < 0.1) return '< 0.1%';
  if (value > 99.9) return '> 99.9%';
  return `${value.toFixed(1)}%`;
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
