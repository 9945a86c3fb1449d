import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWith } from '../support/needs-program.js';
import { RedisServer } from '../support/redis-server.js';
import { Fleet } from './fleet.js';
import { backAfter, type Outage, type Rehearsal, recoveries, rehearse } from './outage.js';
import { scaled } from './scale.js';

const WEATHER = { troubleMs: scaled(3000, 1000), peaceMs: scaled(5000, 2500) };
const LIMIT_MS = 2000;
const BACK_WITHIN_MS = 2000;
/** When old requests are sent again, in ms after the store is back; all the time they are not a quarter of their life old. */
const RESENT_AFTER_MS = [100, 500, 1000];
/** A quarter of their life. */
const ANSWERED_WITHIN_MS = 7500;
const WITHOUT_REDIS = '503 NONCE_STORE_UNAVAILABLE';

/** Nothing in Redis outlives the kill: what it accepted before nobody can know any more. */
describeWith(['redis-server', 'redis-cli', 'nginx'], 'Redis without persistence is killed under load', () => {
  let fleet: Fleet;
  let rehearsal: Rehearsal;
  /** What requests got that were accepted before each kill, and sent again after it. */
  const resent: Record<string, number>[][] = [];

  beforeAll(async () => {
    const redis = await RedisServer.start();
    fleet = await Fleet.start({ redisPort: redis.port, connections: 12, copies: 4 });
    const kill = (name: string): Outage => {
      let killedAt = 0;
      return {
        name,
        async begins() {
          await redis.kill();
          killedAt = Date.now();
        },
        ends: () => redis.restart(),
        async afterwards() {
          const backAt = Date.now();
          const answers: Record<string, number>[] = [];
          resent.push(answers);
          for (const ms of RESENT_AFTER_MS) {
            await wait(Math.max(0, backAt + ms - Date.now()));
            answers.push(await fleet.resend(killedAt));
          }
          // Until every instance has its answer from Redis.
          while (answers.at(-1)![WITHOUT_REDIS] && Date.now() < backAt + ANSWERED_WITHIN_MS)
            answers.push(await fleet.resend(killedAt));
        },
      };
    };
    const order = { from: 0, to: 1e9, copiedEvery: 5 };
    rehearsal = await rehearse(fleet, order, WEATHER, [kill('killed'), kill('killed again')]);
    const { report, over } = rehearsal;
    console.log(
      `${report.sent} requests: ${JSON.stringify(report.statuses)}; back after ${recoveries(report, over)}; sent again: ${JSON.stringify(resent)}`,
    );
  }, 240_000);

  afterAll(() => fleet?.stop());

  test('what was accepted before was refused, and for that reason', () => {
    expect(resent).toHaveLength(2);
    const REFUSAL = /^(503 NONCE_STORE_UNAVAILABLE( COLD_START)?|409 REPLAY_DETECTED)$/;
    for (const answers of resent.flat())
      for (const answer of Object.keys(answers)) expect(answer).toMatch(REFUSAL);
    // By the last time every instance is connected again, and none refuses for want of Redis.
    for (const answers of resent) {
      const last = answers.at(-1)!;
      expect(last['503 NONCE_STORE_UNAVAILABLE COLD_START']).toBeGreaterThan(100);
      expect(last[WITHOUT_REDIS]).toBeUndefined();
    }
  });

  test('no answer but accepted, replayed and unavailable', () => {
    expect(Object.keys(rehearsal.report.statuses).sort()).toEqual(['200', '409', '503']);
  });

  test('nothing was accepted twice and nothing that was accepted is missing', () => {
    const { accepted, report } = rehearsal;
    expect([...accepted].filter(([, times]) => times !== 1)).toEqual([]);
    expect(accepted.size).toBe(report.statuses['200']);
  });

  test('nothing was lost: every caller got through in the end, with a new envelope', () => {
    const numbers = [...rehearsal.accepted.keys()].sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, at) => at));
  });

  test('no request hung, and service was back within two seconds of the store', () => {
    const { report, over } = rehearsal;
    expect(report.slowest).toBeLessThan(LIMIT_MS);
    for (const [name, at] of over)
      expect([name, backAfter(report, at) < BACK_WITHIN_MS]).toEqual([name, true]);
  });
});
