import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWith } from '../support/needs-program.js';
import { RedisServer } from '../support/redis-server.js';
import { Fleet } from './fleet.js';
import { scaled } from './scale.js';

const SOAK_MS = scaled(600_000, 12_000);
const LOOKS = 6;
const MIB = 2 ** 20;
const CONNECTIONS = 8;
const COPIES = 2;

interface Look {
  readonly heapMiB: number;
  readonly handles: number;
}

describeWith(['redis-server', 'redis-cli', 'nginx'], `a soak of ${SOAK_MS / 1000} s at full rate`, () => {
  let fleet: Fleet;
  /** Of each instance, the largest. */
  const looks: Look[] = [];
  let sent = 0;

  beforeAll(async () => {
    const redis = await RedisServer.start();
    fleet = await Fleet.start({
      redisPort: redis.port,
      redisMs: 5000,
      connections: CONNECTIONS,
      copies: COPIES,
    });
    for (let look = 0; look < LOOKS; look++) {
      const from = look * 100_000_000;
      const order = { from, to: from + 100_000_000, copiedEvery: 10, untilMs: Date.now() + SOAK_MS / LOOKS };
      const report = await fleet.load(order);
      expect(report.statuses).toEqual({ 200: expect.any(Number), 409: expect.any(Number) });
      sent += report.sent;
      await fleet.accepted(); // the lists of the test itself are no leak
      const memory = await fleet.askAll<{ heapUsed: number; handles: number }>('memory');
      looks.push({
        heapMiB: Math.max(...memory.map(({ heapUsed }) => heapUsed)) / MIB,
        handles: Math.max(...memory.map(({ handles }) => handles)),
      });
    }
    console.log(
      `${sent} requests in ${SOAK_MS / 1000} s; heap ${looks.map(({ heapMiB }) => heapMiB.toFixed(1)).join(', ')} MiB; handles ${looks.map(({ handles }) => handles).join(', ')}`,
    );
  }, SOAK_MS + 120_000);

  afterAll(() => fleet?.stop());

  test('memory is flat once everything is warm', () => {
    const [, second, ...later] = looks.map(({ heapMiB }) => heapMiB);
    expect(Math.max(...later)).toBeLessThan(second! * 1.1 + 2);
  });

  /** Of all requests of an instance, a leak by one in a hundred is more than nginx may add, one connection for each caller. */
  test('no handle is left behind', () => {
    const [, second, ...later] = looks.map(({ handles }) => handles);
    expect(Math.max(...later)).toBeLessThan(second! + CONNECTIONS * COPIES);
  });
});
