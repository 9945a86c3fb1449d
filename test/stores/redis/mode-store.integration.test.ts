import { afterAll, beforeAll } from '@jest/globals';
import { RedisClientStore, RedisModeStore } from '@private.me/xlink/redis';
import { RedisCluster } from '../../support/redis-cluster.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { describeSharedMode, type OpenedModes } from '../mode-store-conformance.js';
import { CLIENTS, type MadeClient } from './trust-registry-clients.js';

let prefixes = 0;

async function open(connect: () => Promise<MadeClient>, cli: (...command: string[]) => Promise<unknown>) {
  const prefix = `test${prefixes++}:`;
  const key = `${prefix}mode`;
  const made: MadeClient[] = [];
  const client = async () => {
    made.push(await connect());
    return made.at(-1)!.client;
  };
  const timeoutMs = 10_000;
  const opened: OpenedModes = {
    modes: async () => new RedisModeStore({ client: await client(), key, timeoutMs }),
    clients: async () => new RedisClientStore({ client: await client(), keyPrefix: prefix, timeoutMs }),
    wipe: async () => void (await cli('DEL', key)),
    damage: async () => {
      // At once: in between, an instance would give back what it knows.
      const script = `redis.call('DEL', KEYS[1]); redis.call('XADD', KEYS[1], '0-1', 'entry', ARGV[1])`;
      await cli('EVAL', script, '1', key, '{"mode":"off","since":1}');
    },
    async close() {
      for (const { end } of made) end();
    },
  };
  return opened;
}

describeWithRedis('RedisModeStore', () => {
  let server: RedisServer;
  let cluster: RedisCluster;
  beforeAll(async () => {
    server = await RedisServer.start();
    cluster = await RedisCluster.start();
  }, 60_000);
  afterAll(() => Promise.all([server?.stop(), cluster?.stop()]));

  for (const [name, clients] of Object.entries(CLIENTS)) {
    describeSharedMode(`${name}, one server`, () =>
      open(
        () => clients.one({ host: '127.0.0.1', port: server.port }),
        (...command) => server.cli(...command),
      ),
    );
    describeSharedMode(`${name}, cluster`, () =>
      open(
        () => clients.cluster(cluster.addresses),
        (...command) => cluster.nodes[0]!.cli('-c', ...command),
      ),
    );
  }
});
