import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { RedisLimitStore } from '@private.me/xlink/redis';
import { RedisCluster } from '../../support/redis-cluster.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { until } from '../../support/until.js';
import { CLIENTS } from './trust-registry-clients.js';

const timeoutMs = 10_000;

describeWithRedis('RedisLimitStore', () => {
  let server: RedisServer;
  let cluster: RedisCluster;
  beforeAll(async () => {
    [server, cluster] = await Promise.all([RedisServer.start(), RedisCluster.start()]);
  }, 60_000);
  afterAll(() => Promise.all([server?.stop(), cluster?.stop()]));

  const kinds = Object.entries(CLIENTS).flatMap(([name, { one, cluster: many }]) => [
    { name: `${name}, one server`, connect: () => one({ host: '127.0.0.1', port: server.port }) },
    { name: `${name}, cluster`, connect: () => many(cluster.addresses) },
  ]);
  test.each(kinds)(
    'counts each request once over two connections, by name: $name',
    async ({ name, connect }) => {
      const made = [await connect(), await connect()];
      const keyPrefix = `${name.replaceAll(/\W/g, '')}:`;
      const [one, two] = made.map(({ client }) => new RedisLimitStore({ client, keyPrefix, timeoutMs }));
      const taken = await Promise.all(
        Array.from({ length: 40 }, async (_, at) =>
          (at % 2 === 0 ? one! : two!).take('minute:é {acme}', 60_000),
        ),
      );
      expect(taken.map(({ count }) => count).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 40 }, (_, at) => at + 1),
      );
      expect(taken.every(({ resetMs }) => resetMs > 0 && resetMs <= 60_000)).toBe(true);
      expect((await one!.take('minute:bolt', 60_000)).count).toBe(1);
      for (const { end } of made) end();
    },
  );

  test('begins anew after the window, and gives an end to a count that lost it', async () => {
    const { client, end } = await CLIENTS['ioredis']!.one({ host: '127.0.0.1', port: server.port });
    const store = new RedisLimitStore({ client, keyPrefix: 'short:', timeoutMs });
    await store.take('acme', 50);
    await store.take('acme', 50);
    await until(async () => (await store.take('acme', 50)).count === 1);
    await server.cli('SET', 'short:lost', '7');
    expect(await store.take('lost', 1000)).toEqual({ count: 8, resetMs: 1000 });
    end();
  });
});
