import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import type { FileOperationsStore } from '@private.me/xlink/file';
import { redisClientOptions } from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import pg from 'pg';
import { openStateStore, type StateStore, VaultStateStore } from '../../src/signal/index.js';
import { fakeVault } from './fake-vault.js';
import { describeWith, startPostgres, startRedis, temporaryFolder } from './servers.js';
import { afterTest, idOf, World } from './support.js';

const ID = 'signal/did:key:z6Mk/peer/did:key:z6Mm';

/** What every store must do. `open` opens what another process has open too. */
function conformance(open: () => Promise<() => Promise<StateStore>>): void {
  test('changes documents by compare-and-set, and removes them', async () => {
    const store = await (await open())();
    expect(await store.load(ID)).toBeUndefined();
    expect(await store.save(ID, '"1"', 1)).toBe(false);
    expect(await store.save(ID, '"1"', 0)).toBe(true);
    expect(await store.save(ID, '"other"', 0)).toBe(false);
    const there = (await store.load(ID))!;
    expect(there.json).toBe('"1"');
    expect(await store.save(ID, '"2"', there.version)).toBe(true);
    expect(await store.save(ID, '"3"', there.version)).toBe(false);
    expect(await store.remove(ID, there.version)).toBe(false);
    expect(await store.remove(ID, (await store.load(ID))!.version)).toBe(true);
    expect(await store.load(ID)).toBeUndefined();
    expect(await store.save(ID, '"again"', 0)).toBe(true);
    expect((await store.load(ID))!.json).toBe('"again"');
  });

  test('lets one of many win', async () => {
    const store = await (await open())();
    const wins = await Promise.all(Array.from({ length: 10 }, (_, n) => store.save(ID, `"${n}"`, 0)));
    expect(wins.filter(Boolean)).toHaveLength(1);
    expect((await store.load(ID))!.json).toBe(`"${wins.indexOf(true)}"`);
  });

  test('carries sessions over a restart', async () => {
    const again = await open();
    const world = new World();
    const revisions = new MemoryOperationsStore();
    let alice = await world.peer('alice', { state: await again(), revisions });
    const bob = await world.peer('bob');
    await alice.send(bob, '1');
    await world.post.deliver();
    await bob.send(alice, '2');
    await world.post.deliver();
    await alice.provider.close();
    alice = await world.peer('alice', { state: await again(), revisions });
    await bob.send(alice, '3');
    await alice.send(bob, '4');
    await world.post.deliver();
    expect([alice.inbox, bob.inbox]).toEqual([['3'], ['1', '4']]);
    expect(alice.events).toEqual([]);
  });
}

describe('state in memory', () =>
  conformance(async () => {
    const store = new MemoryOperationsStore();
    return async () => store;
  }));

describe('state in a file', () =>
  conformance(async () => {
    const path = join(await temporaryFolder(), 'state.jsonl');
    let open: FileOperationsStore | undefined;
    afterTest(() => open?.close());
    return async () => {
      await open?.close();
      open = openStateStore({ backend: 'file', path }) as FileOperationsStore;
      return open;
    };
  }));

describeWith(['redis-server'], 'state in Redis', () =>
  conformance(async () => {
    const url = await startRedis();
    return async () => {
      const redis = new Redis(url, redisClientOptions.ioredis);
      afterTest(() => redis.disconnect());
      return openStateStore({ backend: 'redis', path: 'mesh:{agent_id}:' }, { redis, agentId: 'a' });
    };
  }),
);

describeWith(['postgres', 'initdb'], 'state in PostgreSQL', () =>
  conformance(async () => {
    const url = await startPostgres();
    const pool = new pg.Pool({ connectionString: url });
    pool.on('error', () => {});
    afterTest(() => pool.end());
    return async () => openStateStore({ backend: 'postgres', path: 'mesh_state' }, { postgres: pool });
  }),
);

describe('state in Vault', () => {
  conformance(async () => {
    const { url, token } = await fakeVault();
    return async () =>
      openStateStore(
        { backend: 'vault', path: 'secret/agents/{agent_id}/crypto', encryption: 'aes-256-gcm' },
        { agentId: 'payments', vault: { url, token } },
      );
  });

  test('asks for the documents below its path, with token and namespace', async () => {
    const vault = await fakeVault();
    let asked = 0;
    const token = async () => {
      asked++;
      return vault.token;
    };
    const store = new VaultStateStore({ url: vault.url, token, path: 'agents/a/crypto', namespace: 'team' });
    await store.save(ID, '1', 0);
    expect(vault.seen).toEqual([
      { method: 'POST', path: `/v1/secret/data/agents/a/crypto/${ID}`, namespace: 'team' },
    ]);
    expect(asked).toBe(1);
  });

  test('that is sealed, or refuses the token, is SIGNAL_STATE_UNAVAILABLE', async () => {
    const vault = await fakeVault();
    const world = new World();
    const state = new VaultStateStore({ url: vault.url, token: vault.token, path: 'a' });
    const bob = await world.peer('bob');
    const alice = await world.peer('alice', { state, revisions: new MemoryOperationsStore() });
    await alice.send(bob, '1');
    vault.settings.isSealed = true;
    expect(await idOf(() => alice.send(bob, '2'))).toBe('SIGNAL_STATE_UNAVAILABLE');
    vault.settings.isSealed = false;
    await alice.send(bob, '3');
    await world.post.deliver();
    expect(bob.inbox).toEqual(['1', '3']);
    const wrong = new VaultStateStore({ url: vault.url, token: 'hvs.wrong', path: 'a' });
    await expect(wrong.load(ID)).rejects.toThrow('403');
    await expect(wrong.save(ID, '1', 0)).rejects.not.toThrow('hvs.wrong');
  });

  test('is reached by https, but for this machine', () => {
    const make =
      (url: string, path = 'a') =>
      () =>
        new VaultStateStore({ url, token: 't', path });
    expect(make('http://vault.example.com')).toThrow('https');
    for (const bad of ['', '/a', 'a/', 'a/../b', 'a b'])
      expect(make('https://v.example', bad)).toThrow('path');
    expect(make('https://vault.example.com:8200')).not.toThrow();
    expect(
      () => new VaultStateStore({ url: 'https://v', token: 't', path: 'a', tokn: 't' } as never),
    ).toThrow('token');
  });
});

test.each<[object, object, string]>([
  [{ backend: 'etcd' }, {}, 'backend'],
  [{ backend: 'vault', path: 'a/b' }, {}, 'vault'],
  [{ backend: 'vault' }, { vault: { url: 'https://v', token: 't' } }, 'path'],
  [{ backend: 'vault', path: 'secret/{agent_id}' }, { vault: { url: 'https://v', token: 't' } }, 'agentId'],
  [
    { backend: 'vault', path: 'secret/{agent_id}' },
    { agentId: '../x', vault: { url: 'https://v', token: 't' } },
    'agentId',
  ],
  [{ backend: 'file' }, {}, 'path'],
  [{ backend: 'redis' }, {}, 'redis'],
  [{ backend: 'postgres' }, {}, 'postgres'],
  [{ backend: 'memory', encryption: 'none' }, {}, 'encryption'],
  [{ backend: 'memory', pth: 'x' }, {}, 'pth'],
])('state_persistence %j with %j is refused for %s', (config, connections, field) => {
  expect(() => openStateStore(config as never, connections)).toThrow(
    expect.objectContaining({ id: 'INVALID_OPTION', field }),
  );
});
