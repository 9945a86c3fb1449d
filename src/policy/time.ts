import { DAYS, type PolicyTime } from './rule.js';

const formats = new Map<string, Intl.DateTimeFormat>();

/** Day (0 is Sunday) and minute of the day in a time zone. */
function localTime(at: number, zone: string): { readonly day: number; readonly minute: number } {
  let format = formats.get(zone);
  if (!format) {
    const parts = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    format = new Intl.DateTimeFormat('en-US', { ...parts, timeZone: zone });
    formats.set(zone, format); // as many as policies name
  }
  const found = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const day = DAYS.indexOf(found['weekday']!.toLowerCase() as (typeof DAYS)[number]);
  return { day, minute: Number(found['hour']) * 60 + Number(found['minute']) };
}

const minuteOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

/** Whether a moment is in the days and hours of a rule. Hours past midnight belong to the day on which they began. */
export function isWithin(
  { days = DAYS, from = '00:00', until = '24:00', zone = 'UTC' }: PolicyTime,
  at: number,
) {
  const { day, minute } = localTime(at, zone);
  const [start, end] = [minuteOf(from), minuteOf(until)];
  const isOn = (each: number) => days.includes(DAYS[(each + 7) % 7]!);
  if (start < end) return isOn(day) && minute >= start && minute < end;
  return (isOn(day) && minute >= start) || (isOn(day - 1) && minute < end);
}
