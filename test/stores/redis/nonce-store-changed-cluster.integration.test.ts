import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { scaled } from '../../scale/scale.js';
import { RedisCluster } from '../../support/redis-cluster.js';
import { describeWithRedis } from '../../support/redis-server.js';
import { CLUSTERS } from './clients.js';
import { Instances } from './replays.js';

const LOST = scaled(2000, 200);
const KINDS = ['ioredis', 'ioredis 5', 'node-redis', 'node-redis 5'];

describeWithRedis('a cluster of which one node is not what it was', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start(3, { args: ['--save', '3600', '1'] });
  }, 60_000);
  afterAll(() => cluster?.stop());

  test.each(KINDS)(
    '[E19] started from a snapshot: what was accepted after it is refused, %s',
    async (kind) => {
      const instances = new Instances([1, 2].map(() => CLUSTERS[kind]!(cluster.addresses)));
      await instances.settle();
      await Promise.all(cluster.nodes.map((node) => node.cli('SAVE')));
      expect(await instances.serve(LOST)).toBe(LOST);
      await cluster.nodes[0]!.restart();
      expect(await instances.replayUntilServing()).toBe(0);
    },
    60_000,
  );
});
