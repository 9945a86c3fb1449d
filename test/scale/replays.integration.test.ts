import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWith } from '../support/needs-program.js';
import { RedisServer } from '../support/redis-server.js';
import { Fleet, type LoadReport } from './fleet.js';
import { scaled } from './scale.js';

const REQUESTS = scaled(200_000, 10_000);
const COPIES = 4;
/** One request in thirteen is sent four times: 3 of 16 requests, and a few more, are replays. */
const COPIED_EVERY = 12;

describeWith(['redis-server', 'redis-cli', 'nginx'], 'four processes behind nginx with one Redis', () => {
  let fleet: Fleet;
  let report: LoadReport;
  let accepted: Map<number, number>;
  const distinct = Math.round(REQUESTS / (1 + (COPIES - 1) / COPIED_EVERY));
  const replays = Math.ceil(distinct / COPIED_EVERY) * (COPIES - 1);

  beforeAll(async () => {
    const redis = await RedisServer.start();
    fleet = await Fleet.start({ redisPort: redis.port, redisMs: 5000, copies: COPIES });
    report = await fleet.load({ from: 0, to: distinct, copiedEvery: COPIED_EVERY });
    accepted = await fleet.accepted();
    console.log(
      `${report.sent} requests (${replays} replays) in ${report.seconds.toFixed(1)} s: ${Math.round(report.sent / report.seconds)}/s, p50 ${report.p50.toFixed(1)} ms, p99 ${report.p99.toFixed(1)} ms`,
    );
  }, 900_000);

  afterAll(() => fleet?.stop());

  test('a fifth of the requests were replays, sent to several instances at the same moment', () => {
    expect(report.sent).toBe(distinct + replays);
    expect(replays / report.sent).toBeCloseTo(0.2, 2);
  });

  test('each was accepted exactly once', () => {
    expect(accepted.size).toBe(distinct);
    expect([...accepted.values()].filter((times) => times !== 1)).toEqual([]);
  });

  test('every other copy was refused as a replay', () => {
    expect(report.statuses).toEqual({ 200: distinct, 409: replays });
  });
});
