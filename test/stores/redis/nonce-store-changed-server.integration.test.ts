import { expect, test } from '@jest/globals';
import type { RedisClient } from '@private.me/xlink/redis';
import { scaled } from '../../scale/scale.js';
import { describeWithRedis, RedisServer, type RedisServerOptions } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';
import { CLIENTS, POOLS } from './clients.js';
import { COLD_START, idOrValue, storeOn, TTL_MS, useOfNow } from './nonce-clients.js';
import { Instances } from './replays.js';

type Make = (port: number) => RedisClient;

const MAKES: Readonly<Record<string, Make>> = { ...CLIENTS, 'a pool of node-redis': POOLS['node-redis']! };
const named = (...names: string[]) => names.map((name): [string, Make] => [name, MAKES[name]!]);
const FEW = named('ioredis', 'node-redis');
/** All that learn in ways of their own that a connection is another one. */
const TELLING = named('ioredis', 'ioredis 5', 'node-redis', 'node-redis 5');
const ALL = [...TELLING, ...named('a pool of node-redis')];
/** Envelopes that are lost. */
const LOST = scaled(2000, 200);
const PATIENCE_MS = scaled(240_000, 60_000);

describeWithRedis('a Redis that is not what it was', () => {
  /** Three instances that served, and know all buckets. */
  async function serving(make: Make, port: number) {
    const instances = new Instances([1, 2, 3].map(() => make(port)));
    await instances.settle();
    return instances;
  }

  test.each(ALL)(
    '[E19] started from a snapshot: what was accepted after it is refused, %s',
    async (_, make) => {
      const server = await RedisServer.start({ args: ['--save', '3600', '1'] });
      const instances = await serving(make, server.port);
      await server.cli('SAVE');
      expect(await instances.serve(LOST)).toBe(LOST);
      await server.restart();
      expect(Number(await server.cli('DBSIZE'))).toBeGreaterThan(64); // with the markers
      expect(await instances.replayUntilServing()).toBe(0);
      await server.stop();
    },
    PATIENCE_MS,
  );

  test.each(ALL)(
    '[E19] a replica that lacks the last writes is promoted: they are refused, %s',
    async (_, make) => {
      const master = await RedisServer.start({ args: ['--repl-diskless-sync-delay', '0'] });
      const [front, link] = [await TcpProxy.start(master.port), await TcpProxy.start(master.port)];
      const replica = await RedisServer.start({ args: ['--replicaof', '127.0.0.1', String(link.port)] });
      // Its first replica gives a master another replication id, after which everything begins anew.
      await until(async () => (await master.cli('INFO', 'replication')).includes('state=online'), {
        withinMs: 10_000,
      });
      const instances = await serving(make, front.port);
      const size = () => replica.cli('DBSIZE');
      await until(async () => (await size()) === (await master.cli('DBSIZE')), { withinMs: 10_000 });
      link.freeze();
      const replicated = await size();
      expect(await instances.serve(LOST)).toBe(LOST);
      await master.kill();
      expect(await size()).toBe(replicated);
      await replica.cli('REPLICAOF', 'NO', 'ONE');
      front.leadTo(replica.port);
      front.cut();
      front.heal();
      expect(await instances.replayUntilServing()).toBe(0);
      await replica.stop();
    },
    PATIENCE_MS,
  );

  test.each(TELLING)(
    '[E19] back at a master that was left, and whose data are as they were: what the other took is refused, %s',
    async (_, make) => {
      const [left, other] = [await RedisServer.start(), await RedisServer.start()];
      const front = await TcpProxy.start(left.port);
      const instances = await serving(make, front.port);
      for (const { port } of [other, left]) {
        front.leadTo(port);
        front.cut();
        front.heal();
        expect(await instances.replayUntilServing()).toBe(0);
      }
      await Promise.all([left.stop(), other.stop()]);
    },
    PATIENCE_MS,
  );

  /** What an instance gets that claims what it claimed before, and what was made, but not sent, before. */
  async function aroundRestart(make: Make, options: RedisServerOptions) {
    const server = await RedisServer.start(options);
    const instances = await serving(make, server.port);
    const store = storeOn(make(server.port));
    const [accepted, sealed] = [useOfNow(), useOfNow()];
    await store.claim(accepted, TTL_MS);
    await server.restart();
    expect(await instances.replayUntilServing()).toBe(0);
    const answers: unknown[] = [];
    for (const use of [accepted, sealed]) {
      const isAnswer = async () => {
        answers.unshift(await idOrValue(store.claim(use, TTL_MS)));
        return answers[0] !== 'NONCE_STORE_UNAVAILABLE';
      };
      await until(isAnswer);
    }
    await server.stop();
    return answers.filter((answer) => answer !== 'NONCE_STORE_UNAVAILABLE');
  }

  test.each(FEW)(
    '[E19] restarted with all it had: knows what was accepted, and takes nothing from before, %s',
    async (_, make) => {
      expect(await aroundRestart(make, { persistent: true })).toEqual([COLD_START, false]);
    },
    PATIENCE_MS,
  );

  test.each(FEW)(
    '[E19] restarted with nothing: takes nothing from before, %s',
    async (_, make) => {
      expect(await aroundRestart(make, {})).toEqual([COLD_START, COLD_START]);
    },
    PATIENCE_MS,
  );

  test.each(FEW)(
    '[E19] allkeys-lru under pressure: what was evicted is refused, and all is well without pressure, %s',
    async (_, make) => {
      const server = await RedisServer.start({ args: ['--maxmemory-policy', 'allkeys-lru'] });
      const instances = await serving(make, server.port);
      const used = /used_memory:(\d+)/.exec(await server.cli('INFO', 'memory'))![1];
      await server.cli('CONFIG', 'SET', 'maxmemory', String(Number(used) + 100_000));
      for (let round = 0; round < 15; round++) await instances.serve(100);
      expect(await server.cli('INFO', 'stats')).toMatch(/evicted_keys:[1-9]/);
      expect(await instances.replay()).toBe(0);
      await server.cli('CONFIG', 'SET', 'maxmemory', '0');
      expect(await instances.replayUntilServing()).toBe(0);
      await server.stop();
    },
    PATIENCE_MS,
  );
});
