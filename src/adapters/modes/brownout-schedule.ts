import { xlinkError } from '../../errors/service-errors.js';
import { checkOptions, integerIn, isDate, oneOf, requireOption } from '../../util/options.js';
import type { Brownout } from './brownouts.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How long the brownouts of a preset take, in hours, one after the other. */
const PRESETS = {
  gentle: [1, 1, 2, 4, 8],
  standard: [1, 2, 4, 8, 24],
  strict: [1, 4, 8, 12, 24],
} as const;

/** Options of {@link brownoutSchedule}. */
export interface BrownoutScheduleOptions {
  /**
   * When the schedule is deployed, and so announced: a date that stays the same. No brownout begins within 24 hours of it. With
   * `new Date()` each restart would put everything off.
   */
  readonly from: Date;
  /** When the last brownout is over at the latest, such as the day before the sunset. */
  readonly until: Date;
  /** Hours: `gentle` 1, 1, 2, 4, 8; `standard` 1, 2, 4, 8, 24; `strict` 1, 4, 8, 12, 24. Default `standard`. */
  readonly preset?: keyof typeof PRESETS;
  /** The hour at which they begin, 0 to 23, in UTC. Default 13: working time from San Francisco to Delhi, or nearly. */
  readonly hour?: number;
}

/**
 * Brownouts that grow longer, for the option `brownouts`: five, spread evenly, each beginning on a Monday to Thursday. The same options
 * give the same brownouts, on every instance and after every restart. Throws `INVALID_OPTION` where there are fewer
 * than five such days in between.
 */
export function brownoutSchedule(options: BrownoutScheduleOptions): readonly Brownout[] {
  checkOptions('brownoutSchedule', options, {
    from: isDate,
    until: isDate,
    preset: oneOf(...(Object.keys(PRESETS) as (keyof typeof PRESETS)[])),
    hour: integerIn(0, 23),
  });
  for (const name of ['from', 'until']) requireOption('brownoutSchedule', options, name);
  const hours = PRESETS[options.preset ?? 'standard'];
  const starts = possibleStarts(options, Math.max(...hours) * HOUR_MS);
  if (starts.length < hours.length)
    throw xlinkError('INVALID_OPTION', {
      field: 'until',
      hint: `brownoutSchedule: between from (and a day after it) and until there must be at least ${hours.length} days from Monday to Thursday; there are ${starts.length}.`,
    });
  return hours.map((length, at) => {
    const start = starts[Math.round((at * (starts.length - 1)) / (hours.length - 1))]!;
    return { from: new Date(start), until: new Date(start + length * HOUR_MS) };
  });
}

function possibleStarts({ from, until, hour = 13 }: BrownoutScheduleOptions, longest: number): number[] {
  const starts: number[] = [];
  const earliest = from.getTime() + DAY_MS;
  const first = Math.floor(earliest / DAY_MS) * DAY_MS + hour * HOUR_MS;
  for (let start = first; start + longest <= until.getTime(); start += DAY_MS) {
    const weekday = new Date(start).getUTCDay();
    if (start >= earliest && weekday >= 1 && weekday <= 4) starts.push(start);
  }
  return starts;
}
