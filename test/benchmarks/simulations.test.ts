import { describe, expect, test } from '@jest/globals';

const load = (name: string) => import(new URL(`../../benchmarks/scale/${name}.mjs`, import.meta.url).href);
const { EventClock, seededRandom } = await load('event-clock');
const { hopsTime } = await load('hops');
const { longWorkflow } = await load('long-workflow');
const { messageStorm, tokenStorm } = await load('storm');

const storm = {
  agents: 500,
  perSecond: 100,
  limit: 'in each second',
  retry: 'waits as it is told (Retry-After: 1)',
  rtt: 10,
  tokenCost: 1,
  patience: 60_000,
  seed: 1,
};

describe('the event clock', () => {
  test('runs what was asked for in the order of its time, and of asking within a moment', () => {
    const clock = new EventClock();
    const seen: string[] = [];
    const random = seededRandom(7);
    const times = Array.from({ length: 200 }, () => Math.floor(random() * 50));
    for (const [i, time] of times.entries()) clock.after(time, () => seen.push(`${clock.now} ${i}`));
    clock.run();
    const expected = times.map((time, i) => ({ time, i })).sort((a, b) => a.time - b.time || a.i - b.i);
    expect(seen).toEqual(expected.map(({ time, i }) => `${time} ${i}`));
  });

  test('stops at a time, and leaves what comes later', () => {
    const clock = new EventClock();
    const seen: number[] = [];
    const tick = () => {
      seen.push(clock.now);
      clock.after(10, tick);
    };
    clock.after(10, tick);
    clock.run(35);
    expect(seen).toEqual([10, 20, 30]);
  });

  test('its random numbers are those of their seed, and spread evenly', () => {
    const numbers = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 10_000 }, () => random());
    };
    expect(numbers(1)).toEqual(numbers(1));
    expect(numbers(1)).not.toEqual(numbers(2));
    const mean = numbers(3).reduce((sum, one) => sum + one, 0) / 10_000;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
  });
});

describe('500 agents that start at one moment', () => {
  test('100 a second get a token: five seconds have begun when the last has one', () => {
    const { last, share, requests } = tokenStorm(storm);
    expect(last).toBeGreaterThan(4000);
    expect(last).toBeLessThan(5000);
    expect(share).toBe(1);
    expect(requests).toBe(500 + 400 + 300 + 200 + 100);
  });

  test('all that ask again in step at an evenly spaced limit: one of a wave gets through, most give up', () => {
    const result = tokenStorm({ ...storm, limit: 'evenly spaced', retry: 'doubling from 1 s, at most 60' });
    expect(result.share).toBeLessThan(0.1);
    expect(result.gaveUp).toBe(500 - 500 * result.share);
  });

  test('the same seed gives the same, another one another', () => {
    const random = { ...storm, retry: 'doubling from 1 s, at most 60, all of it random' };
    expect(tokenStorm(random)).toEqual(tokenStorm(random));
    expect(tokenStorm(random)).not.toEqual(tokenStorm({ ...random, seed: 2 }));
  });

  test('a message each takes what the service takes for them, divided by its processes', () => {
    const of = (processes: number) =>
      messageStorm({ agents: 500, processes, rtt: 10, messageCost: 1, seed: 1 }).last;
    expect(of(1)).toBeGreaterThan(500);
    expect(of(1)).toBeLessThan(520);
    expect(of(4)).toBeLessThan(140);
  });
});

describe('a workflow longer than its token', () => {
  const events = (minutes: number, onExpiry: string) =>
    longWorkflow({ minutes, perMinute: 31, lifetimeMinutes: 60, onExpiry });

  test.each([
    [10, 310, 0],
    [120, 9_300, 2],
    [300, 37_200, 5],
  ])('%i minutes, replayed in no time: the published %i events', (minutes, count, restarts) => {
    expect(events(minutes, 'replayed in no time')).toMatchObject({ events: count, restarts });
  });

  test('started again in real time it is never done', () => {
    expect(events(120, 'from the start, as slowly as before').isEndless).toBe(true);
    expect(events(60, 'from the start, as slowly as before').isEndless).toBe(false);
  });

  test('with a new token it goes on: as many events as without tokens', () => {
    const { events: own } = longWorkflow({ minutes: 300, perMinute: 31 });
    expect(own).toBe(9_300);
    expect(events(300, 'goes on with a new token')).toMatchObject({ events: own, restarts: 0, tokens: 4 });
  });
});

test('hops take their trips and their cost, and what comes before the first one', () => {
  const walk = { hops: 11, iterations: 200, rtt: 10, seed: 1 };
  const one = hopsTime({ ...walk, trips: 1, cost: 2 });
  expect(Math.abs(one - 11 * 12)).toBeLessThan(5);
  expect(Math.abs(hopsTime({ ...walk, trips: 2, cost: 2 }) - 11 * 22)).toBeLessThan(5);
  expect(hopsTime({ ...walk, trips: 1, cost: 2, once: 50 })).toBeCloseTo(one + 50);
});
