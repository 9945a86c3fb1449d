import { describe, expect, test } from '@jest/globals';
import { type BrownoutScheduleOptions, brownoutSchedule } from '@private.me/xlink';
import { DAY, HOUR } from '../../support/clock.js';
import { thrownBy } from '../../support/results.js';

const FROM = new Date('2026-03-02T09:00:00Z'); // a Monday
const UNTIL = new Date('2026-04-30T00:00:00Z');
const made = (more: Partial<BrownoutScheduleOptions> = {}) =>
  brownoutSchedule({ from: FROM, until: UNTIL, ...more });
const hours = (more: Partial<BrownoutScheduleOptions> = {}) =>
  made(more).map(({ from, until }) => (until.getTime() - from.getTime()) / HOUR);

describe('a schedule of brownouts', () => {
  test('grows from an hour to a day, spread evenly, within its time', () => {
    const all = made();
    expect(hours()).toEqual([1, 2, 4, 8, 24]);
    expect(all.map(({ from }) => from.toISOString().slice(0, 13))).toEqual([
      '2026-03-03T13',
      '2026-03-17T13',
      '2026-03-31T13',
      '2026-04-14T13',
      '2026-04-28T13',
    ]);
    expect(all.at(-1)!.until.getTime()).toBeLessThanOrEqual(UNTIL.getTime());
  });

  test.each([
    ['gentle', [1, 1, 2, 4, 8]],
    ['strict', [1, 4, 8, 12, 24]],
  ] as const)('%s', (preset, lengths) => {
    expect(hours({ preset })).toEqual(lengths);
  });

  test('never begins within a day of its deploy, nor from Friday to Sunday, whenever that is', () => {
    for (let day = 0; day < 14; day++)
      for (const hour of [0, 13, 23]) {
        const from = new Date(FROM.getTime() + day * DAY + 7 * HOUR);
        const all = made({ from, hour });
        expect(all[0]!.from.getTime()).toBeGreaterThanOrEqual(from.getTime() + DAY);
        expect(all.every((one) => [1, 2, 3, 4].includes(one.from.getUTCDay()))).toBe(true);
        expect(all.every((one) => one.from.getUTCHours() === hour)).toBe(true);
        expect(all.every((one, at) => at === 0 || one.from >= all[at - 1]!.until)).toBe(true);
      }
  });

  test('is the same for the same options', () => {
    expect(made()).toEqual(made());
  });

  test('says how many days it lacks', async () => {
    const error = await thrownBy(() => made({ until: new Date('2026-03-09T12:00:00Z') }));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', 'until']);
    expect(error.hint).toContain('at least 5 days from Monday to Thursday; there are 3');
  });

  test.each([
    [{ from: '2026-03-02' }, 'from'],
    [{ until: undefined }, 'until'],
    [{ preset: 'harsh' }, 'preset'],
    [{ hour: 24 }, 'hour'],
    [{ hours: 13 }, 'hours'],
  ])('%j is refused by name', async (more, field) => {
    const error = await thrownBy(() => made(more as object));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', field]);
  });
});
