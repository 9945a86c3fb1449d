import { expect, test } from '@jest/globals';
import type { RecordedEntry } from '@private.me/xlink';
import { anomaliesIn, exportCsv } from '../src/server/index.js';

const at = (ms: number, decision = 'accepted', kind = 'auth', device = 'phone') =>
  ({
    type: 'xlock-answer',
    from: 'did:a',
    decision,
    data: { device, kind },
    at: ms,
  }) as unknown as RecordedEntry;
const rulesIn = (entries: RecordedEntry[]) =>
  anomaliesIn(entries.map((entry, seq) => ({ ...entry, seq }))).map(({ rule, seq }) => [rule, seq]);
const MINUTE = 60_000;

test('three denials within an hour are told once; two, or three that are further apart, are not', () => {
  const denied = (...times: number[]) => rulesIn(times.map((time) => at(time * MINUTE, 'refused')));
  expect(denied(0, 10, 59, 59.5)).toEqual([['many-denials', 2]]);
  expect(denied(0, 10)).toEqual([]);
  expect(denied(0, 31, 62)).toEqual([]);
});

test('an approval by a device within ten minutes of its registration is told; later ones, and other devices, are not', () => {
  const registered = at(0, 'accepted', 'register');
  expect(rulesIn([registered, at(9 * MINUTE)])).toEqual([['new-device', 1]]);
  expect(rulesIn([registered, at(10 * MINUTE)])).toEqual([]);
  expect(rulesIn([registered, at(MINUTE, 'accepted', 'auth', 'other')])).toEqual([]);
});

test('eleven approvals within a minute are told; ten are not', () => {
  const approved = (count: number) => rulesIn(Array.from({ length: count }, (_, index) => at(index * 5000)));
  expect(approved(11)).toEqual([['impossible-rate', 10]]);
  expect(approved(10)).toEqual([]);
});

test('cells of CSV are quoted, and no formula begins one', () => {
  const entry = { ...at(0), seq: 0, reason: '=1+1,"x"' } as RecordedEntry;
  expect(exportCsv({ origin: 'o', entries: [entry], anomalies: [] })).toContain(`"'=1+1,""x"""`);
});
