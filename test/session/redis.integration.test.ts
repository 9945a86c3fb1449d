import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { RedisNonceStore } from '@private.me/xlink';
import {
  RedisSequenceStore,
  RedisTicketKeyStore,
  RedisTrustRegistry,
  redisClientOptions,
} from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { testSharedSessions } from './shared-stores.js';

describeWithRedis('sessions over instances that share Redis', () => {
  let server: RedisServer;
  const keys = async (pattern: string) => (await server.cli('KEYS', pattern)).split('\n').filter(Boolean);

  testSharedSessions({
    async start() {
      server = await RedisServer.start();
    },
    stop: async () => server?.stop(),
    empty: () => server.cli('FLUSHALL'),
    lose: () => server.cli('FLUSHALL'),
    async connect() {
      const open = async () => {
        const client = new Redis({ ...redisClientOptions.ioredis, port: server.port, host: '127.0.0.1' });
        client.on('error', () => {});
        await once(client, 'ready');
        return client;
      };
      const [client, subscriber] = [await open(), await open()];
      return {
        registry: new RedisTrustRegistry({ client, subscriber }),
        nonceStore: new RedisNonceStore({ client, timeoutMs: 10_000 }),
        sequences: new RedisSequenceStore({ client, timeoutMs: 10_000 }),
        tickets: new RedisTicketKeyStore({ client, timeoutMs: 10_000 }),
        end() {
          client.disconnect();
          subscriber.disconnect();
        },
      };
    },
    async ticketKeys() {
      return Promise.all((await keys('xlink:ticket-key:*')).map((key) => server.cli('GET', key)));
    },
  });

  test('Redis says how long it keeps what it has', async () => {
    const client = new Redis({ port: server.port, host: '127.0.0.1' });
    const store = new RedisSequenceStore({ client, timeoutMs: 10_000 });
    const use = { sender: 'did:key:z6Mk', sid: 'a', seq: 1, timestamp: Date.now() + 10_000 } as const;
    await store.claimSequence(use as never, 61_000);
    await new RedisTicketKeyStore({ client, timeoutMs: 10_000 }).keep('slot', 'sealed', 61_500);
    const kept = (await keys('xlink:*')).filter((key) => /:(ticket-key|sequence):/.test(key));
    const lasting = kept.filter((key) => !key.endsWith('since'));
    expect(lasting).toHaveLength(2);
    for (const key of lasting) expect(Number(await server.cli('PTTL', key))).toBeGreaterThan(60_000);
    client.disconnect();
  });
});
