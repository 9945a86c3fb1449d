import { afterAll, expect, test } from '@jest/globals';
import { describeWith } from '../support/needs-program.js';
import { RedisServer } from '../support/redis-server.js';
import { Fleet } from './fleet.js';

const ROUNDS = 40;

/** Envelopes are good for 30 seconds in both directions: this far a clock may be off, and no further. */
describeWith(['redis-server', 'redis-cli', 'nginx'], 'the clocks of four instances are off', () => {
  const fleets: Fleet[] = [];
  afterAll(() => Promise.all(fleets.map((fleet) => fleet.stop())));

  async function run(clockOffsetsMs: readonly number[]) {
    const redis = await RedisServer.start();
    const fleet = await Fleet.start({
      redisPort: redis.port,
      redisMs: 5000,
      clockOffsetsMs,
      copies: 4,
      connections: 1,
    });
    fleets.push(fleet);
    const report = await fleet.load({ from: 0, to: ROUNDS, copiedEvery: 1 });
    return { report, accepted: await fleet.accepted() };
  }

  test('by 29 seconds, fast and slow: every envelope is accepted once, whoever gets it first', async () => {
    const { report, accepted } = await run([-29_000, 29_000, 0, -29_000]);
    expect([...accepted.values()]).toEqual(Array(ROUNDS).fill(1));
    expect(report.statuses).toEqual({ 200: ROUNDS, 409: 3 * ROUNDS });
  }, 60_000);

  test('by 31 seconds: the instances that are off refuse, the others accept once', async () => {
    const { report, accepted } = await run([-31_000, 31_000, 0, 0]);
    expect([...accepted.values()]).toEqual(Array(ROUNDS).fill(1));
    const { 200: ok, 409: replayed, ...offClock } = report.statuses;
    expect([ok, replayed, offClock]).toEqual([ROUNDS, ROUNDS, { 401: 2 * ROUNDS }]);
  }, 60_000);

  test('[E14] all by 20 seconds, fast, at a new Redis: every envelope is accepted once, and none is refused for it', async () => {
    const { report, accepted } = await run([20_000, 20_000, 20_000, 20_000]);
    expect([...accepted.values()]).toEqual(Array(ROUNDS).fill(1));
    expect(report.statuses).toEqual({ 200: ROUNDS, 409: 3 * ROUNDS });
  }, 60_000);
});
