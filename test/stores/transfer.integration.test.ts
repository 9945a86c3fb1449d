import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  Agent,
  type ClientStore,
  createSuccession,
  type ManagedTrustRegistry,
  MemoryClientStore,
  MemoryOperationsStore,
  MemoryTrustRegistry,
  type ModeStore,
  type OperationsStore,
  transferClients,
  transferMode,
  transferOperations,
  transferRegistry,
} from '@private.me/xlink';
import {
  FileClientStore,
  FileModeStore,
  FileOperationsStore,
  FileTrustRegistry,
} from '@private.me/xlink/file';
import {
  PostgresClientStore,
  PostgresModeStore,
  PostgresOperationsStore,
  PostgresTrustRegistry,
} from '@private.me/xlink/postgres';
import {
  RedisClientStore,
  RedisModeStore,
  RedisOperationsStore,
  RedisTrustRegistry,
} from '@private.me/xlink/redis';
import pg from 'pg';
import { identityOf } from '../support/agents.js';
import { NOON } from '../support/clock.js';
import { describeWithPostgres, PostgresServer } from '../support/postgres-server.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { thrownBy, unwrap } from '../support/results.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CLIENTS } from './redis/trust-registry-clients.js';

const clock = () => NOON;

/** All stores of one place. */
interface Place {
  readonly registry: ManagedTrustRegistry;
  readonly clients: ClientStore;
  readonly modes: ModeStore;
  readonly operations: OperationsStore;
  close(): Promise<void>;
}

/** A service that has been through something. */
async function lived(): Promise<Pick<Place, 'registry' | 'clients' | 'operations'>> {
  const registry = new MemoryTrustRegistry({ clock });
  const [old, next, gone] = await Promise.all(['old', 'next', 'gone'].map((name) => identityOf(name, 2)));
  const clients = new MemoryClientStore();
  for (const identity of [old!, gone!]) {
    const agent = new Agent({ identity, registry: new MemoryTrustRegistry(), clock });
    unwrap(
      await registry.register({
        did: identity.did,
        name: 'acme',
        keys: await agent.keyRecord(),
        sendScopes: ['orders:read', 'é'],
      }),
    );
    clients.link(identity.did, 'acme "é"', { validUntil: NOON + 1000 });
  }
  unwrap(await registry.revoke(gone!.did, { reason: 'key_compromise' }));
  const successor = new Agent({ identity: next!, registry: new MemoryTrustRegistry(), clock });
  const succession = await createSuccession(old!, next!, { clock });
  unwrap(await registry.succeed(succession, await successor.keyRecord()));
  clients.add([
    {
      client: 'acme "é"',
      keyRequests: 7,
      xlinkRequests: 5,
      signatureRequests: 2,
      lastKeyUse: NOON,
      lastXlinkUse: NOON,
      failures: { SCOPE_DENIED: 3 },
      lastFailure: NOON,
    },
  ]);
  clients.setKeyOff('acme "é"', NOON);
  clients.setRevoked('bolt', NOON);
  const operations = new MemoryOperationsStore();
  operations.save('invitation/abc', '{"client":"acme"}', 0);
  operations.save('key-use/acme "é"', '{"software":{},"hours":{}}', 0);
  return { registry, clients, operations };
}

async function fileStores(): Promise<Place> {
  const folder = await temporaryFolder();
  const registry = new FileTrustRegistry({ path: `${folder}/registry`, clock });
  const clients = await FileClientStore.open(`${folder}/clients`);
  const [modes, operations] = [
    new FileModeStore(`${folder}/mode`),
    new FileOperationsStore(`${folder}/operations`),
  ];
  const close = async () => {
    for (const store of [registry, clients, modes, operations]) await store.close();
  };
  return { registry, clients, modes, operations, close };
}

const MODE = {
  mode: 'hybrid',
  since: NOON,
  revision: 5,
  reason: 'é',
  by: 'mia',
  wayBack: 'observe',
} as const;

/** From memory to file, and from there to wherever `open` leads: everything as it was. */
function describeTransfer(name: string, open: () => Promise<Place>): void {
  test(`${name}: all of it arrives, and a second time nothing is to be done`, async () => {
    const [memory, file, target] = [await lived(), await fileStores(), await open()];
    await file.modes.save(MODE, 0);
    for (const [from, to] of [
      [memory, file],
      [file, target],
    ] as const) {
      const registry = await transferRegistry({ from: from.registry, to: to.registry });
      expect(registry).toMatchObject({ count: 3, written: 3, digest: expect.stringMatching(/^[\w-]{43}$/) });
      expect(await transferClients({ from: from.clients, to: to.clients })).toMatchObject({
        count: 2,
        written: 2,
      });
      expect(await transferOperations({ from: from.operations, to: to.operations })).toMatchObject({
        count: 2,
        written: 2,
      });
      expect(await transferRegistry({ from: from.registry, to: to.registry })).toEqual({
        ...registry,
        written: 0,
      });
      expect(await transferClients({ from: from.clients, to: to.clients })).toMatchObject({ written: 0 });
    }
    expect(await transferMode({ from: file.modes, to: target.modes })).toMatchObject({
      count: 1,
      written: 1,
    });
    expect(await target.modes.load()).toEqual({ ...MODE, version: 1 });
    for (const { did } of await memory.registry.list())
      expect(await target.registry.lookup(did)).toEqual(await memory.registry.lookup(did));
    for (const { client } of await memory.clients.list())
      expect(await target.clients.get(client)).toEqual(await memory.clients.get(client));
    await Promise.all([file.close(), target.close()]);
  });

  test(`${name}: what differs is not overwritten`, async () => {
    const [memory, target] = [await lived(), await open()];
    const { did } = (await memory.registry.list())[0]!;
    await target.registry.add(did, { scopes: ['*'] });
    await target.clients.setRevoked('bolt', NOON + 1);
    for (const call of [
      () => transferRegistry({ from: memory.registry, to: target.registry }),
      () => transferClients({ from: memory.clients, to: target.clients }),
    ])
      expect((await thrownBy(call)).id).toBe('TRANSFER_REFUSED');
    expect((await target.registry.lookup(did))?.sendScopes).toEqual(['*']);
    expect(await target.registry.list()).toHaveLength(1);
    await target.close();
  });

  test.each(['setRevoked', 'setKeyOff', 'add', 'link'] as const)(
    `${name}: interrupted at %s nobody has more than before, and another run completes it`,
    async (method) => {
      const [memory, target] = [await lived(), await open()];
      memory.clients.setRevoked('acme "é"', NOON);
      const broken = Object.create(target.clients, {
        [method]: { value: () => Promise.reject(new Error('down')) },
      }) as ClientStore;
      for (const part of ['list', 'get', 'add', 'link', 'setKeyOff', 'setRevoked'] as const)
        if (part !== method) Object.assign(broken, { [part]: target.clients[part].bind(target.clients) });
      await expect(transferClients({ from: memory.clients, to: broken })).rejects.toThrow('down');
      for (const left of await target.clients.list())
        if (left.dids.length > 0) expect(left).toMatchObject({ revokedSince: NOON, keyOffSince: NOON });
      expect(await transferClients({ from: memory.clients, to: target.clients })).toMatchObject({ count: 2 });
      for (const { client } of await memory.clients.list())
        expect(await target.clients.get(client)).toEqual(await memory.clients.get(client));
      await target.close();
    },
  );
}

describeTransfer('files', fileStores);

test('a store that loses something is found out', async () => {
  const { clients } = await lived();
  const to = new MemoryClientStore();
  to.setKeyOff = () => {};
  expect((await thrownBy(() => transferClients({ from: clients, to }))).id).toBe('TRANSFER_INCOMPLETE');
});

test('an entry with keys that are not signed by its DID is not taken', async () => {
  const { registry } = await lived();
  const entries = await registry.list();
  const [one, two] = entries.filter(({ keys }) => keys) as [(typeof entries)[0], (typeof entries)[0]];
  const done = await new MemoryTrustRegistry().restore({ ...one, keys: { ...two.keys!, did: one.did } });
  expect(done.ok ? 'taken' : done.error.id).toBe('KEY_RECORD_INVALID');
});

describeWithRedis('Redis', () => {
  let server: RedisServer;
  let prefixes = 0;
  beforeAll(async () => {
    server = await RedisServer.start();
  }, 30_000);
  afterAll(() => server?.stop());
  describeTransfer('Redis', async () => {
    const { client, end } = await CLIENTS['ioredis']!.one({ host: '127.0.0.1', port: server.port });
    const keyPrefix = `test${prefixes++}:`;
    const options = { client, keyPrefix, timeoutMs: 10_000 };
    const registry = new RedisTrustRegistry({ ...options, clock });
    return {
      registry,
      clients: new RedisClientStore(options),
      modes: new RedisModeStore({ client, key: `${keyPrefix}mode`, timeoutMs: 10_000 }),
      operations: new RedisOperationsStore(options),
      async close() {
        registry.close();
        end();
      },
    };
  });
});

describeWithPostgres('PostgreSQL', () => {
  let server: PostgresServer;
  let tables = 0;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 30_000);
  afterAll(() => server?.stop());
  describeTransfer('PostgreSQL', async () => {
    const pool = new pg.Pool({ ...server.connection, max: 3 });
    const of = (name: string) => ({ pool, table: `${name}_${tables}`, timeoutMs: 10_000 });
    tables += 1;
    const registry = new PostgresTrustRegistry({ ...of('registry'), clock });
    return {
      registry,
      clients: new PostgresClientStore(of('clients')),
      modes: new PostgresModeStore(of('modes')),
      operations: new PostgresOperationsStore(of('operations')),
      async close() {
        registry.close();
        await pool.end();
      },
    };
  });
});
