import { afterAll, beforeAll } from '@jest/globals';
import { RedisClientStore } from '@private.me/xlink/redis';
import { RedisCluster } from '../../support/redis-cluster.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { describeClientStore } from '../client-store-conformance.js';
import { CLIENTS, type MadeClient } from './trust-registry-clients.js';

let prefixes = 0;

/** Stores over the same clients, each with a connection of its own. */
async function open(connect: () => Promise<MadeClient>) {
  const keyPrefix = `test${prefixes++}:`;
  const made: MadeClient[] = [];
  const another = async () => {
    const each = await connect();
    made.push(each);
    return new RedisClientStore({ client: each.client, keyPrefix, timeoutMs: 10_000 });
  };
  return {
    store: await another(),
    another,
    async close() {
      for (const { end } of made) end();
    },
  };
}

describeWithRedis('RedisClientStore', () => {
  let server: RedisServer;
  let cluster: RedisCluster;
  beforeAll(async () => {
    server = await RedisServer.start();
    cluster = await RedisCluster.start();
  }, 60_000);
  afterAll(() => Promise.all([server?.stop(), cluster?.stop()]));

  for (const [name, clients] of Object.entries(CLIENTS)) {
    describeClientStore(`${name}, one server`, () =>
      open(() => clients.one({ host: '127.0.0.1', port: server.port })),
    );
    describeClientStore(`${name}, cluster`, () => open(() => clients.cluster(cluster.addresses)));
  }
});
