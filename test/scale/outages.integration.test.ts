import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWith } from '../support/needs-program.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { Fleet } from './fleet.js';
import { backAfter, type Rehearsal, recoveries, rehearse } from './outage.js';
import { scaled } from './scale.js';

const WEATHER = { troubleMs: scaled(3000, 1000), peaceMs: scaled(5000, 1700) };
/** Two calls of 250 ms each, and what two busy cores may add. */
const LIMIT_MS = 2000;
const BACK_WITHIN_MS = 2000;

describeWith(['redis-server', 'redis-cli', 'nginx'], 'Redis fails under load, in every way', () => {
  let fleet: Fleet;
  let rehearsal: Rehearsal;

  beforeAll(async () => {
    const redis = await RedisServer.start({ args: ['--appendonly', 'yes', '--appendfsync', 'everysec'] });
    const network = await TcpProxy.start(redis.port);
    fleet = await Fleet.start({ redisPort: network.port, connections: 12, copies: 4 });
    rehearsal = await rehearse(fleet, { from: 0, to: 1e9, copiedEvery: 5 }, WEATHER, [
      { name: 'killed', begins: () => redis.kill(), ends: () => redis.restart() },
      { name: 'cut off', begins: () => network.cut(), ends: () => network.heal() },
      { name: 'frozen', begins: () => network.freeze(), ends: () => network.heal() },
      { name: 'silent', begins: () => network.freeze('answers'), ends: () => network.heal() },
      { name: 'too slow', begins: () => network.delay(1000), ends: () => network.heal() },
      { name: 'killed again', begins: () => redis.kill(), ends: () => redis.restart() },
    ]);
    const { report, over } = rehearsal;
    console.log(
      `${report.sent} requests over ${over.size} outages: ${JSON.stringify(report.statuses)}; slowest ${Math.round(report.slowest)} ms; back after ${recoveries(report, over)}`,
    );
  }, 240_000);

  afterAll(() => fleet?.stop());

  test('the outages were felt: requests were refused with 503', () => {
    expect(rehearsal.report.statuses['503']).toBeGreaterThan(100);
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

  test('no request hung', () => {
    expect(rehearsal.report.slowest).toBeLessThan(LIMIT_MS);
  });

  test('service was back within two seconds of the store, each time', () => {
    const { report, over } = rehearsal;
    for (const [name, at] of over)
      expect([name, backAfter(report, at) < BACK_WITHIN_MS]).toEqual([name, true]);
  });
});
