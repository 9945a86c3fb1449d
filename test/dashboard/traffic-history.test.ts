import { describe, expect, test } from '@jest/globals';
import { ERROR_TABLE, type RequestEvent } from '@private.me/xlink';
import { FailureCounts } from '../../src/dashboard/failure-counts.js';
import { TrafficHistory } from '../../src/dashboard/traffic-history.js';
import { frozenClock, NOON } from '../support/clock.js';
import { requestEvent } from './support.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const XLINK = requestEvent('xlink');
const BY_KEY = requestEvent('api-key');
const REFUSED = requestEvent('xlink', 'REPLAY_DETECTED');

const setUp = () => {
  const clock = frozenClock();
  return { clock, history: new TrafficHistory(clock) };
};

describe('the history', () => {
  test('begins empty, with the present slot', () => {
    const { history } = setUp();
    expect(history.since).toBe(NOON);
    expect(history.totals).toEqual({ session: 0, signature: 0, xlink: 0, apiKey: 0, refused: 0 });
    expect(history.series('minutes')).toEqual({
      slotMs: 5000,
      overMs: 10 * MINUTE,
      from: NOON,
      proofs: { session: 0, envelope: 0, signature: 0, apiKey: 0 },
      xlink: [0],
      apiKey: [0],
      refused: [0],
    });
    expect(history.adoption().share).toBeUndefined();
  });

  test('counts what proved the callers of accepted requests, in each stretch of time', () => {
    const { clock, history } = setUp();
    const by = (form: RequestEvent['form'], event = XLINK) =>
      history.count({ ...event, form } as RequestEvent);
    for (const form of ['session', 'session', 'session', 'envelope', 'signature'] as const) by(form);
    by('session', REFUSED); // refused by a guard
    history.count(BY_KEY);
    const all = { session: 3, envelope: 1, signature: 1, apiKey: 1 };
    expect(history.series('minutes')).toMatchObject({ proofs: all, xlink: [5], refused: [1] });
    clock.advance(20 * MINUTE);
    by('envelope');
    expect(history.series('minutes').proofs).toEqual({ session: 0, envelope: 1, signature: 0, apiKey: 0 });
    expect(history.series('day').proofs).toEqual({ ...all, envelope: 2 });
    expect(history.totals).toEqual({ xlink: 6, apiKey: 1, refused: 1, session: 3, signature: 1 });
  });

  test('counts by method and time, and shows slots without traffic as well', () => {
    const { clock, history } = setUp();
    for (const event of [XLINK, XLINK, BY_KEY, REFUSED]) history.count(event);
    clock.advance(10 * SECOND);
    history.count(BY_KEY);
    clock.advance(4 * SECOND);
    history.count(requestEvent('none', 'CREDENTIALS_MISSING'));
    expect(history.series('minutes')).toEqual({
      slotMs: 5000,
      overMs: 10 * MINUTE,
      from: NOON,
      proofs: { session: 0, envelope: 2, signature: 0, apiKey: 2 },
      xlink: [2, 0, 0],
      apiKey: [1, 0, 1],
      refused: [1, 0, 1],
    });
    expect(history.series('day')).toMatchObject({
      slotMs: 5 * MINUTE,
      xlink: [2],
      apiKey: [2],
      refused: [2],
    });
    expect(history.totals).toEqual({ session: 0, signature: 0, xlink: 2, apiKey: 2, refused: 2 });
  });

  test.each([
    ['minutes', 120, 5 * SECOND],
    ['day', 288, 5 * MINUTE],
    ['month', 360, 2 * HOUR],
  ] as const)('%s goes back %i slots of %i ms and no further', (range, slots, slotMs) => {
    const { clock, history } = setUp();
    for (let i = 0; i < 2.5 * slots; i++) {
      history.count(XLINK);
      clock.advance(slotMs);
    }
    const series = history.series(range);
    expect(series.xlink).toHaveLength(slots);
    expect(series.xlink.at(-1)).toBe(0);
    expect(series.xlink.slice(0, -1).every((count) => count === 1)).toBe(true);
    expect(series.from).toBe(clock() - (slots - 1) * slotMs);
  });

  test('forgets a ring that was not used for longer than it goes back', () => {
    const { clock, history } = setUp();
    history.count(XLINK);
    clock.advance(20 * MINUTE);
    expect(history.series('minutes').xlink.every((count) => count === 0)).toBe(true);
    history.count(BY_KEY);
    expect(history.series('minutes').apiKey.at(-1)).toBe(1);
    expect(history.series('day').xlink[0]).toBe(1);
    expect(history.totals).toEqual({ xlink: 1, apiKey: 1, refused: 0, session: 0, signature: 0 });
  });

  test('bears a clock that is set back', () => {
    const { clock, history } = setUp();
    clock.advance(HOUR);
    history.count(XLINK);
    clock.set(NOON - HOUR);
    history.count(XLINK);
    expect(history.series('minutes').xlink).toEqual([1]);
    expect(history.totals.xlink).toBe(2);
  });
});

describe('the one figure', () => {
  const send = (history: TrafficHistory, requests: number, event: typeof XLINK) => {
    for (let i = 0; i < requests; i++) history.count(event);
  };

  test('is of the last seconds if they have traffic enough', () => {
    const { clock, history } = setUp();
    send(history, 100, BY_KEY);
    clock.advance(15 * SECOND);
    send(history, 100, XLINK);
    expect(history.adoption()).toEqual({ share: 1, requests: 100, overMs: 15 * SECOND });
  });

  test('is of a longer time if not', () => {
    const { clock, history } = setUp();
    send(history, 60, BY_KEY);
    clock.advance(30 * SECOND);
    send(history, 60, XLINK);
    expect(history.adoption()).toEqual({ share: 0.5, requests: 120, overMs: MINUTE });
    clock.advance(5 * MINUTE);
    send(history, 40, XLINK);
    expect(history.adoption()).toEqual({ share: 0.625, requests: 160, overMs: 10 * MINUTE });
    clock.advance(3 * HOUR);
    expect(history.adoption()).toEqual({ share: 0.625, requests: 160, overMs: DAY });
  });

  test('is of whatever there is if that is all there is', () => {
    const { clock, history } = setUp();
    history.count(XLINK);
    clock.advance(5 * DAY);
    expect(history.adoption()).toEqual({ share: 1, requests: 1, overMs: 30 * DAY });
    history.count(REFUSED);
    expect(history.adoption().requests).toBe(1);
  });
});

describe('failures', () => {
  test('are counted by reason, the most frequent first, with what to do', () => {
    const clock = frozenClock();
    const counts = new FailureCounts(clock);
    counts.count(XLINK);
    counts.count(requestEvent('api-key', 'API_KEY_INVALID'));
    for (let i = 0; i < 3; i++) counts.count(REFUSED);
    clock.advance(SECOND);
    counts.count(requestEvent('api-key', 'API_KEY_INVALID'));
    const { status, message } = ERROR_TABLE.REPLAY_DETECTED;
    expect(counts.rows()).toEqual([
      {
        reason: 'REPLAY_DETECTED',
        count: 3,
        lastSeen: NOON,
        status,
        message,
        hint: expect.stringContaining('sends the same request twice'),
        docs: expect.stringMatching(/^https:/),
      },
      expect.objectContaining({ reason: 'API_KEY_INVALID', count: 2, lastSeen: NOON + SECOND }),
    ]);
  });

  test('that are in no table are one row, however many there are', () => {
    const counts = new FailureCounts();
    for (let i = 0; i < 1000; i++) counts.count({ outcome: 'refused', reason: `__proto__${i}` });
    for (const reason of ['constructor', 'toString', '__proto__'])
      counts.count({ outcome: 'refused', reason });
    expect(counts.rows()).toMatchObject([{ reason: 'INTERNAL', count: 1003 }]);
  });
});
