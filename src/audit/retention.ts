/** How long entries can be opened: `7-years`, `90-days`, `18-months`. */
export type Retention = `${number}-${'day' | 'days' | 'month' | 'months' | 'year' | 'years'}`;

const FORM = /^([1-9]\d{0,3})-(day|month|year)s?$/;

export const isRetention = (value: unknown): string | undefined =>
  typeof value === 'string' && FORM.test(value)
    ? undefined
    : 'a number and a unit, such as 7-years, 18-months or 90-days';

/** Name of the data key of a time: its month in UTC, and 8 hex digits that no other key of the month has. */
export const dataKeyId = (at: number, random: Uint8Array): string =>
  `${new Date(at).toISOString().slice(0, 7)}-${[...random.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;

/** The month of a data key, `2026-11`; `undefined` for anything but a name of one. */
export const monthOf = (id: string): string | undefined => /^(\d{4}-\d\d)-[0-9a-f]{8}$/.exec(id)?.[1];

/** Whether the retention of everything in the month of this key is over: counted from the end of the month. */
export function isExpired(id: string, retention: string, now: number): boolean {
  const [, count, unit] = FORM.exec(retention)!;
  const [year, month] = monthOf(id)!.split('-').map(Number) as [number, number];
  const amount = Number(count);
  const end =
    unit === 'day'
      ? Date.UTC(year, month, 1) + amount * 86_400_000
      : Date.UTC(year, month + amount * (unit === 'year' ? 12 : 1), 1);
  return now >= end;
}
