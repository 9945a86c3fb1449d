import { encodeUtf8 } from '../../util/utf8.js';
import type { Brownout } from './brownouts.js';

/** As iCalendar has it, in UTC: 20261129T130000Z. */
const stamp = (date: Date): string => date.toISOString().replace(/[-:]|\.\d{3}/g, '');

/** Commas, semicolons, backslashes and ends of lines have a meaning of their own (RFC 5545 section 3.3.11). */
const text = (value: string): string => value.replace(/[\\;,]/g, '\\$&').replace(/\r?\n/g, '\\n');

/** Lines of at most 75 bytes (RFC 5545 section 3.1); what is written here is ASCII but for the name of the API. */
function folded(line: string): string {
  const parts: string[] = [];
  let part = '';
  let bytes = 0;
  for (const character of line) {
    const size = encodeUtf8(character).length;
    if (bytes + size > 74) {
      parts.push(part);
      part = '';
      bytes = 0;
    }
    part += character;
    bytes += size;
  }
  return [...parts, part].join('\r\n ');
}

/** What the calendar says beside the times. */
export interface CalendarText {
  /** The name of the API, as its callers know it. */
  readonly name: string;
  /** Where callers read on. */
  readonly migrationUrl?: string | undefined;
}

/** Brownouts as a calendar (RFC 5545) that callers can subscribe to. An event keeps its UID as long as it begins when it does. */
export function brownoutCalendar(
  brownouts: readonly Brownout[],
  now: Date,
  { name, migrationUrl }: CalendarText,
): string {
  const about = `Requests with an API key are refused (API_KEY_BROWNOUT) during this time. Requests by xLink are not.${migrationUrl ? ` See ${migrationUrl}` : ''}`;
  const events = brownouts.flatMap(({ from, until }) => [
    'BEGIN:VEVENT',
    `UID:${stamp(from)}@${uidOf(name)}.xlink-brownout`,
    `DTSTAMP:${stamp(now)}`,
    `DTSTART:${stamp(from)}`,
    `DTEND:${stamp(until)}`,
    `SUMMARY:${text(`${name}: API keys are refused`)}`,
    `DESCRIPTION:${text(about)}`,
    ...(migrationUrl ? [`URL:${migrationUrl}`] : []),
    'TRANSP:TRANSPARENT',
    'END:VEVENT',
  ]);
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//private.me//xlink//EN',
    'METHOD:PUBLISH',
    'REFRESH-INTERVAL;VALUE=DURATION:PT12H',
    `X-WR-CALNAME:${text(`${name}: brownouts of API keys`)}`,
    ...events,
    'END:VCALENDAR',
  ];
  return `${lines.map(folded).join('\r\n')}\r\n`;
}

const uidOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z\d]+/g, '-')
    .slice(0, 60) || 'api';
