import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type RedisClient, RedisModeStore, RedisTrustRegistry } from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import { STORE_COMMANDS } from '../../../src/stores/redis/commands.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { until } from '../../support/until.js';
import { quietly } from './nonce-clients.js';
import { callsOf, STORE_NAMES } from './stores.js';

test('the documentation lists what each store sends', async () => {
  const page = await readFile(new URL('../../../docs/stores.md', import.meta.url), 'utf8');
  for (const [store, commands] of Object.entries(STORE_COMMANDS))
    expect(page).toContain(`| \`${store}\` | ${commands.map((name) => `\`${name}\``).join(' ')} |`);
  expect(STORE_NAMES.toSorted()).toEqual(Object.keys(STORE_COMMANDS).toSorted());
});

describeWithRedis('an account that may do what a store lists, and no more', () => {
  let server: RedisServer;
  const clients: Redis[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect();
  });
  afterAll(() => server.stop());

  test.each(Object.entries(STORE_COMMANDS))('is enough for %s', async (store, commands) => {
    const rights = commands.map((name) => `+${name.toLowerCase()}`);
    await server.cli(
      'ACL',
      'SETUSER',
      store,
      'on',
      '>pw',
      '~*',
      '&*',
      '-@all',
      '+@connection',
      '+info',
      ...rights,
    );
    const client = new Redis({ host: '127.0.0.1', port: server.port, username: store, password: 'pw' });
    clients.push(client.on('error', quietly));
    for (const [, call] of callsOf(store, client)) await call();
    await hearsChanges(store, client);
    await expect(client.call('FLUSHALL')).rejects.toThrow('NOPERM');
  });

  async function hearsChanges(store: string, client: RedisClient): Promise<void> {
    if (store === 'RedisTrustRegistry') {
      const registry = new RedisTrustRegistry({ client, onWarning: quietly });
      registry.onChange(() => {});
      await until(() => registry.changeFeed === 'live');
      registry.close();
    } else if (store === 'RedisModeStore') {
      let heard = 0;
      const modes = new RedisModeStore({ client, onWarning: quietly });
      const stop = modes.onChange(() => {
        heard += 1;
      });
      await until(() => heard > 0); // once it has subscribed: something may have been missed
      stop();
    }
  }
});
