import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { XlinkWarning } from '@private.me/xlink';
import { printed } from '../../support/console.js';
import { RedisCluster } from '../../support/redis-cluster.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { until } from '../../support/until.js';
import { CLIENTS, CLUSTERS } from './clients.js';
import { newUse, storeOn, TTL_MS } from './nonce-clients.js';
import { callsOf, STORE_NAMES } from './stores.js';

const KINDS = ['ioredis', 'ioredis 5', 'node-redis', 'node-redis 5'];
const policy = 'allkeys-lru';

describeWithRedis('a Redis that may evict', () => {
  let server: RedisServer;
  let cluster: RedisCluster;
  beforeAll(async () => {
    [server, cluster] = await Promise.all([
      RedisServer.start({ args: ['--maxmemory-policy', policy] }),
      RedisCluster.start(),
    ]);
    await cluster.nodes[2]!.cli('CONFIG', 'SET', 'maxmemory-policy', policy);
  }, 60_000);
  afterAll(() => Promise.all([server?.stop(), cluster?.stop()]));

  /** Those about eviction; a client is warned of for other things, too. */
  function warningsOf(make: (onWarning: (warning: XlinkWarning) => void) => unknown): XlinkWarning[] {
    const warnings: XlinkWarning[] = [];
    make((warning) => warning.type === 'redis-may-evict' && warnings.push(warning));
    return warnings;
  }

  test.each(KINDS.flatMap((kind) => STORE_NAMES.map((store) => [kind, store] as const)))(
    '[E19] is warned of, once: %s, %s',
    async (kind, store) => {
      const client = CLIENTS[kind]!(server.port);
      let calls: ReturnType<typeof callsOf> = [];
      const warnings = warningsOf((onWarning) => {
        calls = callsOf(store, client, { onWarning });
      });
      await until(() => warnings.length > 0);
      for (const [, call] of [...calls, ...calls]) await call();
      expect(warnings).toEqual([{ type: 'redis-may-evict', store, policy }]);
    },
  );

  test('[E19] is printed, where nobody listens', async () => {
    callsOf('RedisModeStore', CLIENTS['ioredis']!(server.port), { onWarning: undefined as never });
    await until(() => printed.some((line) => line.includes('noeviction')));
    expect(printed.filter((line) => line.includes(policy))).toHaveLength(1);
  });

  test('[E19] is noticed, too, if it is told to while nonces are claimed', async () => {
    const other = await RedisServer.start();
    let claim = async () => false;
    const warnings = warningsOf((onWarning) => {
      const nonces = storeOn(CLIENTS['ioredis']!(other.port), { onWarning });
      claim = () => nonces.claim(newUse(), TTL_MS);
    });
    expect(await claim()).toBe(true);
    expect(warnings).toEqual([]);
    await other.cli('CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl');
    await until(async () => (await claim()) && warnings.length > 0);
    expect(warnings).toEqual([{ type: 'redis-may-evict', store: 'RedisNonceStore', policy: 'volatile-ttl' }]);
    await other.stop();
  });

  test.each(KINDS)(
    '[E19] is found on the one node of a cluster that may: %s',
    async (kind) => {
      const warnings = warningsOf((onWarning) =>
        callsOf('RedisTrustRegistry', CLUSTERS[kind]!(cluster.addresses), { onWarning }),
      );
      await until(() => warnings.length > 0);
      expect(warnings).toEqual([{ type: 'redis-may-evict', store: 'RedisTrustRegistry', policy }]);
    },
    60_000,
  );

  test('[E19] is not taken for one that may not', async () => {
    const other = await RedisServer.start();
    const client = CLIENTS['ioredis']!(other.port);
    const warnings = warningsOf((onWarning) => {
      for (const store of STORE_NAMES) callsOf(store, client, { onWarning });
    });
    await storeOn(client).claim(newUse(), TTL_MS); // answered after what was asked before
    expect(warnings).toEqual([]);
    await other.stop();
  });
});
