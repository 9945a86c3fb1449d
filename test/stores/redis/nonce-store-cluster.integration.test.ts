import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NonceUse } from '@private.me/xlink';
import { createCluster } from 'redis';
import { RedisCluster } from '../../support/redis-cluster.js';
import { describeWithRedis, type RedisServer } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';
import {
  BUCKETS,
  CLUSTER_CLIENTS,
  COLD_START,
  idOrValue,
  keyOf,
  newUse,
  storeOn,
  TTL_MS,
  timed,
  trues,
  useOfNow,
} from './nonce-clients.js';

describeWithRedis('nonces in a Redis cluster', () => {
  let cluster: RedisCluster;
  let ids: string[];
  beforeAll(async () => {
    cluster = await RedisCluster.start();
    ids = await Promise.all(cluster.nodes.map((node) => node.cli('CLUSTER', 'MYID')));
  }, 30_000);
  afterAll(() => cluster.stop());

  const all = (...command: string[]) => Promise.all(cluster.nodes.map((node) => node.cli(...command)));
  const sizes = async () => (await all('DBSIZE')).map(Number);
  const total = async () => (await sizes()).reduce((sum, size) => sum + size);

  /** The node that has the slot of a key, and one that has not. */
  async function placeOf(key: string) {
    const slot = await cluster.nodes[0]!.cli('CLUSTER', 'KEYSLOT', key);
    for (const [from, node] of cluster.nodes.entries()) {
      const reply = await node.cli('GET', key).catch(String);
      if (!reply.includes('MOVED')) return { slot, from, to: (from + 1) % cluster.nodes.length };
    }
    throw new Error('nobody has the slot');
  }
  type Place = Awaited<ReturnType<typeof placeOf>>;

  async function beginMove({ slot, from, to }: Place) {
    await cluster.nodes[to]!.cli('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[from]!);
    await cluster.nodes[from]!.cli('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[to]!);
  }

  /** With all that is in the slot, the marker among it. */
  async function endMove({ slot, from, to }: Place) {
    const keys = await cluster.nodes[from]!.cli('CLUSTER', 'GETKEYSINSLOT', slot, '1000');
    const { port } = cluster.nodes[to]!;
    const place = ['127.0.0.1', String(port), '', '0', '5000', 'KEYS'];
    await cluster.nodes[from]!.cli('MIGRATE', ...place, ...keys.split('\n'));
    for (const at of [to, from, ...cluster.nodes.keys()])
      await cluster.nodes[at]!.cli('CLUSTER', 'SETSLOT', slot, 'NODE', ids[to]!);
  }

  /** Whether a node answers for a key itself: `MOVED` or `ASK` if not. */
  const answerOf = (node: RedisServer, key: string) => node.cli('EXISTS', key).catch(String);

  describe.each(CLUSTER_CLIENTS)('$name', ({ connect }) => {
    const store = async () => storeOn(await connect(cluster.addresses));

    test('exactly one of 200 simultaneous claims over several connections wins', async () => {
      const stores = [await store(), await store(), await store()];
      const uses = Array.from({ length: 10 }, () => newUse());
      const claims = uses.map((use) =>
        Promise.all(Array.from({ length: 200 }, (_, nth) => stores[nth % 3]!.claim(use, TTL_MS))),
      );
      expect((await Promise.all(claims)).map(trues)).toEqual(uses.map(() => 1));
    });

    test('nonces are on all nodes, and seen from everywhere', async () => {
      await all('FLUSHALL');
      const [one, other] = [await store(), await store()];
      const uses = Array.from({ length: 300 }, () => newUse());
      expect(trues(await Promise.all(uses.map((use) => one.claim(use, TTL_MS))))).toBe(300);
      expect(trues(await Promise.all(uses.map((use) => other.seen(use))))).toBe(300);
      expect(trues(await Promise.all(uses.map((use) => other.claim(use, TTL_MS))))).toBe(0);
      expect(await total()).toBe(300 + BUCKETS);
      expect(Math.min(...(await sizes()))).toBeGreaterThan(40); // of three masters one has 14 of the 64 buckets
    });

    test('a slot that has moved since the client looked (MOVED): still one claim wins', async () => {
      await all('FLUSHALL');
      const stores = [await store(), await store()];
      const [use, settled] = [newUse(), newUse()];
      await Promise.all(stores.map((each) => each.seen(settled))); // both know the old map by now
      const place = await placeOf(keyOf(use));
      const { from, to } = place;
      await beginMove(place);
      await endMove(place);
      expect(await answerOf(cluster.nodes[from]!, keyOf(use))).toContain('MOVED');
      const claims = Array.from({ length: 50 }, (_, nth) => stores[nth % 2]!.claim(use, TTL_MS));
      expect(trues(await Promise.all(claims))).toBe(1);
      expect(await answerOf(cluster.nodes[to]!, keyOf(use))).toBe('1');
      expect(await stores[0]!.claim(use, TTL_MS)).toBe(false);
    });

    test('a slot that is moving (ASK): still one claim wins', async () => {
      await all('FLUSHALL');
      const stores = [await store(), await store()];
      const use = newUse();
      const key = keyOf(use);
      await until(async () => (await total()) === BUCKETS);
      const place = await placeOf(key);
      await beginMove(place);
      expect(await answerOf(cluster.nodes[place.from]!, key)).toContain('ASK');
      const claims = Array.from({ length: 50 }, (_, nth) => stores[nth % 2]!.claim(use, TTL_MS));
      expect(trues(await Promise.all(claims))).toBe(1);
      expect(await stores[1]!.seen(use)).toBe(true);
      await endMove(place);
      expect(await Promise.all(stores.map((each) => each.claim(use, TTL_MS)))).toEqual([false, false]);
    });

    test('one node killed: its nonces are refused in time, and taken again when it is back', async () => {
      const timeoutMs = 250;
      const nonces = storeOn(await connect(cluster.addresses), { timeoutMs });
      const claimOne = () => nonces.claim(newUse(), TTL_MS).catch(() => false);
      await until(claimOne);
      await cluster.nodes[2]!.kill();
      const calls = await Promise.all(
        Array.from({ length: 100 }, () => timed(() => nonces.claim(newUse(), TTL_MS))),
      );
      const failed = calls.filter(({ error }) => error);
      expect(failed.length).toBeGreaterThan(10);
      for (const { error, ms } of failed) {
        expect(error).toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE', status: 503 });
        expect(ms).toBeLessThan(timeoutMs + 500);
      }
      for (const { value } of calls.filter(({ error }) => !error)) expect(value).toBe(true);
      await cluster.nodes[2]!.restart();
      const claimAll = () => Promise.all(Array.from({ length: 50 }, claimOne));
      await until(async () => trues(await claimAll()) === 50, { withinMs: 15_000 });
    }, 30_000);
  });

  test.each(CLUSTER_CLIENTS)(
    'one node killed and empty: what it took is refused, $name',
    async ({ connect }) => {
      await all('FLUSHALL');
      const [one, other] = await Promise.all(
        [1, 2].map(async () => storeOn(await connect(cluster.addresses))),
      );
      await until(async () => (await total()) === BUCKETS);
      const uses = Array.from({ length: 100 }, () => useOfNow());
      expect(trues(await Promise.all(uses.map((use) => one!.claim(use, TTL_MS))))).toBe(100);
      const [victim] = cluster.nodes;
      const answers = await Promise.all(uses.map((use) => answerOf(victim!, keyOf(use))));
      const lost = uses.filter((_, at) => answers[at] === '1');
      const kept = uses.filter((_, at) => answers[at]!.includes('MOVED'));
      expect([lost.length > 5, kept.length > 5, lost.length + kept.length]).toEqual([true, true, 100]);
      await victim!.restart();
      const fresh = () => other!.claim(useOfNow(), TTL_MS).catch(() => false);
      await until(async () => trues(await Promise.all(Array.from({ length: 50 }, fresh))) === 50, {
        withinMs: 15_000,
      });
      for (const call of [other!.seen.bind(other), (use: NonceUse) => other!.claim(use, TTL_MS)])
        expect(new Set(await Promise.all(lost.map((use) => idOrValue(call(use)))))).toEqual(
          new Set([COLD_START]),
        );
      expect(trues(await Promise.all(kept.map((use) => other!.seen(use))))).toBe(kept.length);
      for (const store of [one!, other!])
        expect(trues(await Promise.all(uses.map((use) => store.claim(use, TTL_MS))))).toBe(0);
    },
    40_000,
  );

  /** Only for node-redis: its clusters stay ready, and queue what is for a node that is out of reach. */
  test('node-redis: what was refused is not carried out when the node can be reached again', async () => {
    const [node] = cluster.nodes;
    const proxy = await TcpProxy.start(node!.port);
    const through = { [`127.0.0.1:${node!.port}`]: { host: '127.0.0.1', port: proxy.port } };
    const client = createCluster({
      rootNodes: cluster.addresses.map((socket) => ({ socket })),
      nodeAddressMap: through,
    }).on('error', () => {});
    try {
      const nonces = storeOn(await client.connect(), { timeoutMs: 250 });
      const claim = async () => {
        const use = useOfNow();
        return { use, claimed: await nonces.claim(use, TTL_MS).catch(() => undefined) };
      };
      const claims = (count: number) => Promise.all(Array.from({ length: count }, claim));
      await until(async () => (await claims(50)).every(({ claimed }) => claimed));
      proxy.cut();
      await until(async () => (await claims(20)).some(({ claimed }) => claimed === undefined));
      const refused = (await claims(60)).filter(({ claimed }) => claimed === undefined);
      expect(refused.length).toBeGreaterThan(5);
      await claims(20); // the client's own time limit for those before is over, too
      proxy.heal();
      await until(async () => (await claims(50)).every(({ claimed }) => claimed));
      const found = await Promise.all(refused.map(({ use }) => node!.cli('EXISTS', keyOf(use))));
      expect(new Set(found)).toEqual(new Set(['0']));
    } finally {
      client.destroy();
    }
  }, 30_000);
});
