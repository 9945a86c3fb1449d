import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RedisClient, RedisModeStore, RedisTrustRegistry } from '@private.me/xlink/redis';
import { createSentinel } from 'redis';
import { createSentinel as createSentinel5 } from 'redis5';
import { atOnce } from '../../support/at-once.js';
import { RedisCluster } from '../../support/redis-cluster.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { thrownBy } from '../../support/results.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';
import { CLIENTS, CLUSTERS, POOLS } from './clients.js';
import { quietly, timed } from './nonce-clients.js';
import { allCalls, callsOf, type StoreCall } from './stores.js';

/** Those that do not subscribe to changes. */
const COMMAND_STORES = [
  'RedisNonceStore',
  'RedisSequenceStore',
  'RedisLeafStore',
  'RedisTicketKeyStore',
  'RedisClientStore',
  'RedisRelayStore',
  'RedisKeyStore',
  'RedisWrappingKeyStore',
  'RedisLimitStore',
  'RedisOperationsStore',
];
const TIMEOUT_MS = 300;
/** What a busy machine may add. */
const SLACK_MS = 1500;

const all = (calls: readonly StoreCall[]) => Promise.all(calls.map(([, call]) => call()));
const succeed = (calls: readonly StoreCall[]) =>
  all(calls).then(
    () => true,
    () => false,
  );

/** Every call rejects in time, with the code of its store and what the connection says. */
async function expectRefused(calls: readonly StoreCall[], why: RegExp): Promise<void> {
  const results = await Promise.all(calls.map(([, call]) => timed(call)));
  for (const [at, { error, ms }] of results.entries()) {
    expect([error?.id, String(error?.cause)]).toEqual([calls[at]![0], expect.stringMatching(why)]);
    expect(ms).toBeLessThan(TIMEOUT_MS + SLACK_MS);
  }
}

describeWithRedis('the stores in Redis', () => {
  let server: RedisServer;
  let cluster: RedisCluster;
  beforeAll(async () => {
    server = await RedisServer.start();
    cluster = await RedisCluster.start();
  }, 60_000);
  afterAll(() => Promise.all([server?.stop(), cluster?.stop()]));

  test.each(Object.entries(CLIENTS))(
    '[E1] all of them take a client that only just connects: %s',
    async (name, make) => {
      await all(allCalls(make(server.port), { prefix: `${name.replaceAll(' ', '')}:` }));
    },
  );

  test.each(Object.entries(CLUSTERS))(
    '[E1] all of them take a cluster that only just connects: %s',
    async (name, make) => {
      await all(allCalls(make(cluster.addresses), { prefix: `${name.replaceAll(' ', '')}:` }));
    },
  );

  test.each(Object.entries(POOLS))('[E1] all of them take a pool: %s', async (name, make) => {
    const client = make(server.port);
    for (const store of COMMAND_STORES)
      await all(callsOf(store, client, { prefix: `${name.replace(' ', '')}:` }));
    const subscriber = CLIENTS['node-redis']!(server.port);
    for (const make of [RedisModeStore, RedisTrustRegistry]) {
      const error = await thrownBy(() => new make({ client, onWarning: quietly }));
      expect([error.id, error.field]).toEqual(['INVALID_OPTION', 'subscriber']);
      new make({ client, subscriber, onWarning: quietly });
    }
  });

  /** Without a server: it is the compiler that looks. */
  test('[E1] sentinel clients have the type, too', () => {
    const options = { name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] };
    const clients: RedisClient[] = [createSentinel(options), createSentinel5(options)];
    for (const client of clients) for (const store of COMMAND_STORES) callsOf(store, client);
  });

  const lazy = ['ioredis, lazily connecting', 'ioredis, lazily connecting, as recommended', 'node-redis'];
  test.each(lazy)('[E1] changes are heard of over a client that only just connects: %s', async (name) => {
    const prefix = `heard by ${lazy.indexOf(name)}:`.replaceAll(' ', '-');
    const registry = new RedisTrustRegistry({
      client: CLIENTS[name]!(server.port),
      keyPrefix: prefix,
      onWarning: quietly,
    });
    let heard = 0;
    const stop = registry.onChange(() => {
      heard += 1;
    });
    await until(() => registry.changeFeed === 'live');
    await all(callsOf('RedisTrustRegistry', CLIENTS['ioredis']!(server.port), { prefix: 'other:' }));
    await server.cli('PUBLISH', `${prefix}changes`, 'did:key:z');
    await until(() => heard >= 2);
    stop();
    registry.close();
  });

  const kinds = Object.entries(CLIENTS);

  const silent = atOnce(kinds, async ([, make], at) => {
    const proxy = await TcpProxy.start(server.port);
    const settings = { timeoutMs: TIMEOUT_MS, prefix: `silent-${at}:` };
    proxy.freeze();
    const client = make(proxy.port); // connections are taken, and nothing is said
    const calls = allCalls(client, settings);
    await expectRefused(calls, new RegExp(`within ${TIMEOUT_MS} ms|not connected`));
    proxy.heal();
    await until(() => succeed(calls), { withinMs: 15_000, what: 'all stores to be back' });

    proxy.freeze(); // the client is connected now
    await expectRefused(calls, new RegExp(`within ${TIMEOUT_MS} ms`));
    proxy.heal();
    await until(() => succeed(calls), { withinMs: 15_000, what: 'all stores to be back' });
  });

  /** Each with a server of its own, whose commands it counts. */
  const behind = atOnce(kinds, async ([, make]) => {
    const own = await RedisServer.start();
    const proxy = await TcpProxy.start(own.port);
    const client = make(proxy.port);
    const [claim, seen] = callsOf('RedisNonceStore', client, { timeoutMs: TIMEOUT_MS, prefix: 'behind:' });
    const asks = async () =>
      Number(/cmdstat_exists:calls=(\d+)/.exec(await own.cli('INFO', 'commandstats'))![1]);
    await until(() => succeed([claim!, seen!]));
    proxy.freeze('answers');
    await until(async () => /earlier commands|not connected/.test(String((await thrownBy(seen![1])).cause)), {
      withinMs: 10_000,
    });
    const before = await asks();
    for (let nth = 0; nth < 20; nth++) await expectRefused([seen!], /earlier commands|not connected/);
    expect(await asks()).toBe(before);
    proxy.heal();
    await until(() => succeed([seen!]), { withinMs: 15_000 });
    expect(await asks()).toBeGreaterThan(before);
    await own.stop();
  });

  describe.each(kinds.map(([name], at) => [name, at] as const))('%s', (_, at) => {
    test('[E1] a client that never answers rejects in time in all of them, and they recover', async () => {
      await silent(at);
    }, 60_000);

    test('[E1] behind a command that goes unanswered, nothing is sent', async () => {
      await behind(at);
    }, 30_000);
  });

  test('[E1] a client that was ended is refused at once', async () => {
    for (const make of Object.values(CLIENTS)) {
      const client = make(server.port);
      const calls = allCalls(client, { timeoutMs: 20_000, prefix: 'ended:' });
      await until(() => succeed(calls));
      if ('disconnect' in client) client.disconnect();
      else (client as { destroy(): void }).destroy();
      await until(() => !('status' in client) || client.status === 'end');
      await expectRefused(calls, /not connected/);
    }
  }, 30_000);
});
