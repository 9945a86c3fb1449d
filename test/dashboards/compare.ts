import { expect } from '@jest/globals';
import type { Expected } from './expected.js';
import type { Counts } from './ledger.js';
import type { Choice } from './view.js';

/**
 * How much too high `rate()` and `increase()` may be, as a factor: they stretch what was between the first and the last
 * sample of a window to its edges, by at most 1.1 times the mean interval of the samples at each. They never shrink it.
 */
export const stretch = (windowMs: number, intervalMs: number): number =>
  windowMs / (windowMs - 2 * 1.1 * intervalMs);

type Bounds = Readonly<Record<string, readonly [low: number, high: number]>>;

/** The bounds of each value. `intervalMs`: the mean time between two scrapes. */
function boundsOf(expected: Expected, { rangeMs, stepMs, rangeIsAll }: Choice, intervalMs: number): Bounds {
  const around = (counts: Counts, low: number, high: number): Bounds =>
    Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, [count * low, count * high]]));
  if ('exact' in expected) return around(expected.exact, 1, 1);
  if ('within' in expected) return expected.within;
  if ('added' in expected) return around(expected.added, 1, rangeIsAll ? 1 : stretch(rangeMs, intervalMs));
  const seconds = stepMs / 1000;
  const slack = stretch(Math.min(stepMs, rangeMs), intervalMs);
  return 'perStep' in expected
    ? around(expected.perStep, 1 / seconds, slack / seconds)
    : around(expected.ratio, 1 / slack, slack);
}

/** Holds an answer against what was expected of it: the same labels, no more and no less, and the right values. */
export function compare(name: string, rows: Counts, expected: Expected, choice: Choice, intervalMs: number) {
  const bounds = boundsOf(expected, choice, intervalMs);
  expect({ name, labels: Object.keys(rows).sort() }).toEqual({ name, labels: Object.keys(bounds).sort() });
  const wrong = Object.entries(bounds).filter(([key, [low, high]]) => {
    const value = rows[key]!;
    return !(value >= low - 1e-9 && value <= high + 1e-9); // NaN is never right
  });
  const said = wrong.map(([key, [low, high]]) => `${name}: ${key} is ${rows[key]}, not ${low} to ${high}`);
  expect(said).toEqual([]);
}
