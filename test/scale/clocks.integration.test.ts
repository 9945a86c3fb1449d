import { afterAll, expect, test } from '@jest/globals';
import { describeWith } from '../support/needs-program.js';
import { RedisServer } from '../support/redis-server.js';
import { Fleet } from './fleet.js';

const ROUNDS = 40;
const BUCKETS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];

/** Envelopes are good for 30 seconds in both directions: this far a clock may be off, and no further. */
describeWith(['redis-server', 'redis-cli', 'nginx'], 'the clocks of four instances are off', () => {
  const fleets: Fleet[] = [];
  afterAll(() => Promise.all(fleets.map((fleet) => fleet.stop())));

  /** `isNew`: Redis is empty, so that the first instance says since when it remembers. */
  async function run(clockOffsetsMs: readonly number[], { isNew = false } = {}) {
    const redis = await RedisServer.start();
    if (!isNew) await redis.cli('MSET', ...BUCKETS.flatMap((bucket) => [`nonce:{${bucket}}since`, '1']));
    const fleet = await Fleet.start({
      redisPort: redis.port,
      redisMs: 5000,
      clockOffsetsMs,
      copies: 4,
      connections: 1,
    });
    fleets.push(fleet);
    const report = await fleet.load({ from: 0, to: ROUNDS, copiedEvery: 1, retry: isNew });
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

  test('by three seconds, fast, at a new Redis: all is refused for as long, and nothing is accepted twice', async () => {
    const { report, accepted } = await run([3000, 3000, 3000, 3000], { isNew: true });
    expect([...accepted.values()]).toEqual(Array(ROUNDS).fill(1));
    expect(report.statuses['200']).toBe(ROUNDS);
    expect(report.statuses['503']).toBeGreaterThan(10);
    expect(report.seconds).toBeLessThan(5);
  }, 60_000);
});
