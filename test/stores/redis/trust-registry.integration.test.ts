import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Did } from '@private.me/xlink';
import { RedisTrustRegistry } from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { describeRegistry } from '../../registry/conformance.js';
import { identityOf } from '../../support/agents.js';
import { RedisCluster } from '../../support/redis-cluster.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { errorOf, idOf, thrownBy, unwrap } from '../../support/results.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';
import { describeOutages } from '../trust-registry-outages.js';
import { CLIENTS, type MadeClient } from './trust-registry-clients.js';

const [alice, bob] = (await Promise.all([identityOf('alice', 1), identityOf('bob', 1)])).map(
  ({ did }) => did,
) as [Did, Did];

let prefixes = 0;

/** Registries over the same entries, each with a client of its own. */
async function open(connect: () => Promise<MadeClient>) {
  const keyPrefix = `test${prefixes++}:[registry]:`;
  const made: MadeClient[] = [];
  const opened: RedisTrustRegistry[] = [];
  const another = async () => {
    const each = await connect();
    made.push(each);
    opened.push(new RedisTrustRegistry({ client: each.client, keyPrefix }));
    return opened.at(-1)!;
  };
  return {
    registry: await another(),
    another,
    async close() {
      for (const each of opened) each.close();
      for (const { end } of made) end();
    },
  };
}

describeWithRedis('RedisTrustRegistry', () => {
  let server: RedisServer;
  let cluster: RedisCluster;
  beforeAll(async () => {
    server = await RedisServer.start({ persistent: true });
    cluster = await RedisCluster.start();
  }, 60_000);
  afterAll(() => Promise.all([server?.stop(), cluster?.stop()]));

  for (const [name, clients] of Object.entries(CLIENTS)) {
    describe(name, () => {
      describeRegistry(`${name}, one server`, () =>
        open(() => clients.one({ host: '127.0.0.1', port: server.port })),
      );
      describeRegistry(`${name}, cluster`, () => open(() => clients.cluster(cluster.addresses)));

      describeOutages(
        `${name}, one server`,
        () => server,
        async (port, limits) => {
          const { client, end } = await clients.one({ host: '127.0.0.1', port });
          return { registry: new RedisTrustRegistry({ client, keyPrefix: `${name}:`, ...limits }), end };
        },
      );

      describe('the keys', () => {
        const made: { end(): void }[] = [];
        const registries: RedisTrustRegistry[] = [];
        afterEach(() => {
          for (const each of registries.splice(0)) each.close();
          for (const { end } of made.splice(0)) end();
        });
        const registryOver = (each: MadeClient, keyPrefix: string) => {
          made.push(each);
          const registry = new RedisTrustRegistry({ client: each.client, keyPrefix });
          registries.push(registry);
          return registry;
        };
        const connect = () => clients.one({ host: '127.0.0.1', port: server.port });

        test('are the prefix and the DID, hold one version each, and do not expire', async () => {
          const registry = registryOver(await connect(), `${name}-keys:`);
          for (let i = 0; i < 5; i++) unwrap(await registry.add(alice, { name: `${i}` }));
          const key = `${name}-keys:${alice}`;
          expect(await server.cli('XLEN', key)).toBe('1');
          expect(await server.cli('PTTL', key)).toBe('-1');
          expect(await server.cli('XRANGE', key, '-', '+')).toBe(
            `0-5\nentry\n${JSON.stringify({ did: alice, name: '4', status: 'active', revision: 5 })}`,
          );
        });

        test('of others are neither listed nor taken for entries', async () => {
          const registry = registryOver(await connect(), `${name}-[*?]:`);
          unwrap(await registry.add(alice));
          await server.cli('SET', `${name}-[*?]:changes`, 'x');
          await server.cli('SET', `${name}-[*?]:did:key:short`, 'x');
          await server.cli('SET', `${name}-z:${bob}`, 'x');
          expect((await registry.list()).map(({ did }) => did)).toEqual([alice]);
        });

        test.each([
          ['another type', (key: string) => ['SET', key, 'x']],
          ['another member', (key: string) => ['XADD', key, '0-1', 'other', '{}']],
          ['no JSON', (key: string) => ['XADD', key, '0-1', 'entry', '{']],
          [
            'the entry of another DID',
            (key: string) => ['XADD', key, '0-1', 'entry', `{"did":"${bob}","status":"active"}`],
          ],
          [
            'an unknown status',
            (key: string) => ['XADD', key, '0-1', 'entry', `{"did":"${alice}","status":"paused"}`],
          ],
        ])('that hold %s are down, not empty', async (what, command) => {
          const prefix = `${name}-${what}:`;
          const registry = registryOver(await connect(), prefix);
          await server.cli('DEL', prefix + alice);
          await server.cli(...command(prefix + alice));
          expect((await thrownBy(() => registry.lookup(alice))).id).toBe('LOOKUP_FAILED');
          expect((await thrownBy(() => registry.list())).id).toBe('LOOKUP_FAILED');
          expect(errorOf(await registry.add(alice)).category).toBe('registry');
          expect(idOf(await registry.revoke(alice))).not.toBe('ok');
        });

        test('that are asked for over a dead network do not pile up: beyond 10 000 commands calls fail at once', async () => {
          const proxy = await TcpProxy.start(server.port);
          const { client, end } = await clients.one({ host: '127.0.0.1', port: proxy.port });
          made.push({ end });
          const registry = new RedisTrustRegistry({ client, keyPrefix: `${name}-piled:`, timeoutMs: 20_000 });
          unwrap(await registry.add(alice));
          proxy.freeze();
          const waiting = Array.from({ length: 10_000 }, () => registry.lookup(alice));
          const error = await thrownBy(() => registry.lookup(alice));
          expect([error.id, (error.cause as Error).message]).toEqual([
            'LOOKUP_FAILED',
            '10000 commands wait for an answer of Redis.',
          ]);
          proxy.heal();
          expect(new Set((await Promise.all(waiting)).map((entry) => entry?.status))).toEqual(
            new Set(['active']),
          );
          await registry.lookup(alice);
          await proxy.close();
        }, 30_000);

        test('that cannot be written are an error, not a lost race without end', async () => {
          const registry = registryOver(await connect(), `${name}-full:`);
          await server.cli('CONFIG', 'SET', 'maxmemory', '1');
          try {
            const error = errorOf(await registry.add(alice));
            expect([error.id, (error.cause as Error).message]).toEqual([
              'REGISTRATION_FAILED',
              expect.stringContaining('OOM'),
            ]);
          } finally {
            await server.cli('CONFIG', 'SET', 'maxmemory', '0');
          }
          unwrap(await registry.add(alice));
        });
      });

      test('changes in a cluster are heard on every node', async () => {
        const made = await Promise.all(Array.from({ length: 6 }, () => clients.cluster(cluster.addresses)));
        const registries = made.map(
          ({ client }) => new RedisTrustRegistry({ client, keyPrefix: `${name}-heard:`, heartbeatMs: 50 }),
        );
        const heard = registries.map(() => [] as (Did | undefined)[]);
        for (const [at, each] of registries.entries()) each.onChange((did) => heard[at]!.push(did));
        await until(() => registries.every(({ changeFeed }) => changeFeed === 'live'));
        for (const [at, did] of [alice, bob].entries()) unwrap(await registries[at]!.add(did));
        await until(() => heard.every((list) => list.includes(alice) && list.includes(bob)), {
          withinMs: 1000,
        });
        await new Promise((resolve) => setTimeout(resolve, 200)); // four heartbeats
        expect(registries.map(({ changeFeed }) => changeFeed)).toEqual(Array(6).fill('live'));
        expect(heard.flat().filter((did) => did === undefined)).toHaveLength(6);
        for (const each of registries) each.close();
        for (const { end } of made) end();
      });
    });
  }

  test('a prefix of the client itself is no hindrance', async () => {
    const ioredis = new Redis({ host: '127.0.0.1', port: server.port, keyPrefix: 'own:' });
    const nodeRedis = createClient({ socket: { host: '127.0.0.1', port: server.port }, keyPrefix: 'own:' });
    await nodeRedis.connect();
    const [one, two] = [ioredis, nodeRedis].map(
      (client) => new RedisTrustRegistry({ client, keyPrefix: 'shared:' }),
    ) as [RedisTrustRegistry, RedisTrustRegistry];
    const heard: (Did | undefined)[] = [];
    for (const each of [one, two]) each.onChange((did) => heard.push(did));
    await until(() => one.changeFeed === 'live' && two.changeFeed === 'live');
    unwrap(await one.add(alice));
    unwrap(await two.add(bob));
    expect(await server.cli('EXISTS', `own:shared:${alice}`, `own:shared:${bob}`)).toBe('2');
    for (const each of [one, two]) expect(await each.list()).toHaveLength(2);
    // Each is told here and by the other's subscription, whatever the package.
    await until(() => [alice, bob].every((did) => heard.filter((each) => each === did).length >= 3));
    for (const each of [one, two]) each.close();
    ioredis.disconnect();
    nodeRedis.destroy();
  });

  test('a client that is only just connecting is waited for, one that is away is not', async () => {
    const client = new Redis({ host: '127.0.0.1', port: server.port, retryStrategy: () => 50 });
    client.on('error', () => {});
    const registry = new RedisTrustRegistry({ client, keyPrefix: 'young:', timeoutMs: 2000 });
    expect(client.status).not.toBe('ready');
    unwrap(await registry.add(alice));
    await server.kill();
    await until(() => client.status !== 'ready');
    const started = performance.now();
    expect(idOf(await registry.revoke(alice))).toBe('REGISTRATION_FAILED');
    expect(performance.now() - started).toBeLessThan(500);
    await server.restart();
    await until(() => client.status === 'ready');
    client.disconnect();
  }, 30_000);

  test.each([
    [{}, 'client'],
    [{ client: {} }, 'client'],
    [{ client: new Map() }, 'client'],
    [{ client: { status: 'ready', set() {} } }, 'client'],
    [{ keyPrefix: '' }, 'keyPrefix'],
    [{ subscriber: 5 }, 'subscriber'],
    [{ keyPrefx: 'a' }, 'keyPrefx'],
  ])('options are checked: %j', async (options, field) => {
    const client = createClient();
    const given = field === 'client' ? options : { client, ...options };
    const error = await thrownBy(() => new RedisTrustRegistry(given as never));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', field]);
  });
});
