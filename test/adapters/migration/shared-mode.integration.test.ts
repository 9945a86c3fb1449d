import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import {
  DualModeAdapter,
  MigrationPlan,
  type MigrationPlanOptions,
  type Mode,
  type ModeStore,
  SharedMode,
} from '@private.me/xlink';
import { PostgresClientStore, PostgresModeStore } from '@private.me/xlink/postgres';
import { RedisClientStore, RedisModeStore } from '@private.me/xlink/redis';
import { type ModeState, parseModeState, type StoredMode } from '@private.me/xlink/server';
import { FileModeStore } from '../../../src/file.js';
import { describeSharedMode } from '../../stores/mode-store-conformance.js';
import { HOUR } from '../../support/clock.js';
import { optionRefusedBy } from '../../support/results.js';
import { World } from '../../support/world.js';
import { gate } from './gate.js';
import { instance } from './instances.js';

describeSharedMode('FileModeStore', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'xlink-modes-'));
  const path = join(folder, 'state', 'mode.jsonl');
  // One process, so one store.
  const store = new FileModeStore(path);
  return {
    modes: async () => store,
    wipe: async () => {
      for (const name of [path, `${path}.head`]) await rm(name);
    },
    damage: () => writeFile(path, '{"version":1,"mode":"off","since":1}'),
    async close() {
      await store.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
});

/** A store in memory that fails when it is told to. */
class WatchedStore implements ModeStore {
  stored: StoredMode | undefined;
  down = false;
  /** Others write so often before each `save`. */
  rivals = 0;
  saves = 0;
  gate: Promise<void> | undefined;

  async load(): Promise<StoredMode | undefined> {
    const found = this.stored;
    await this.gate;
    if (this.down) throw new Error('connection refused');
    return found;
  }

  async save(state: ModeState, expectedVersion: number): Promise<boolean> {
    if (this.down) throw new Error('connection refused');
    this.saves += 1;
    if (this.rivals > 0 && this.stored) {
      this.rivals -= 1;
      this.stored = { ...this.stored, version: this.stored.version + 1 };
    }
    if ((this.stored?.version ?? 0) !== expectedVersion) return false;
    this.stored = { ...state, version: expectedVersion + 1 };
    return true;
  }
}

const made = async (store: ModeStore, mode: Mode = 'hybrid', world = new World()) => ({
  world,
  ...(await instance(world, store, { mode })),
});

describe('SharedMode', () => {
  test('the first instance stores the mode of its options; starting twice is starting once', async () => {
    const store = new WatchedStore();
    const { shared, world, changes } = await made(store, 'observe');
    await shared.start();
    await shared.start();
    expect(store.stored).toEqual({ mode: 'observe', since: world.clock(), revision: 0, version: 1 });
    expect(changes()).toEqual([]);
  });

  test('a change that is made while it looks is not taken back', async () => {
    const store = new WatchedStore();
    const { shared, adapter, changes } = await made(store);
    await shared.start();
    let open = () => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const looking = shared.refresh();
    adapter.setMode('deprecation', 'by hand');
    open();
    await looking;
    await shared.refresh();
    expect(store.stored).toMatchObject({ mode: 'deprecation', reason: 'by hand' });
    expect(changes()).toEqual(['hybrid > deprecation: by hand']);
  });

  test('an operator wins over whoever writes at the same time', async () => {
    const store = new WatchedStore();
    const { shared } = await made(store);
    await shared.start();
    store.rivals = 5;
    await shared.setMode('deprecation', 'by hand');
    expect([store.stored?.mode, store.saves]).toEqual(['deprecation', 7]);
  });

  test('a store that never lets anybody win is an error, not a loop', async () => {
    const store = new WatchedStore();
    const { shared } = await made(store);
    await shared.start();
    store.rivals = 1e9;
    await expect(shared.setMode('deprecation')).rejects.toMatchObject({ id: 'MODE_STORE_UNAVAILABLE' });
  });

  test('a plan does not win over whoever writes at the same time', async () => {
    const store = new WatchedStore();
    const { shared, adapter } = await made(store);
    await shared.start();
    const before = await shared.refresh();
    store.rivals = 1;
    expect(await shared.write({ mode: 'xlink-only', since: 1 }, before)).toBe(false);
    expect([adapter.mode, store.stored?.mode]).toEqual(['hybrid', 'hybrid']);
    expect(await shared.write({ mode: 'xlink-only', since: 1 }, before)).toBe(false); // it is of an older version
    expect(await shared.write({ mode: 'xlink-only', since: 1 }, await shared.refresh())).toBe(true);
    expect(adapter.mode).toBe('xlink-only');
  });

  test('modes of routes and clients are not shared', async () => {
    const store = new WatchedStore();
    const { shared, adapter } = await made(store);
    await shared.start();
    adapter.setMode('xlink-only', 'moved', { client: 'acme', instanceOnly: true });
    adapter.setMode('xlink-only', 'new', { route: { path: '/v2' }, instanceOnly: true });
    await shared.refresh();
    expect(store.stored).toMatchObject({ mode: 'hybrid', version: 1 });
  });

  test('a store that went back in time is given back what is known; one that only counts anew is not', async () => {
    const store = new WatchedStore();
    const { shared, adapter } = await made(store);
    await shared.start();
    const old = store.stored!;
    await shared.setMode('deprecation', 'by hand');
    const newest = store.stored!;
    store.stored = old;
    await shared.refresh();
    expect(store.stored).toEqual({ ...newest, version: 2 });
    store.stored = { ...newest, version: 1 };
    await shared.refresh();
    expect([store.stored.version, adapter.mode]).toEqual([1, 'deprecation']);
  });

  test('after stop() nothing is followed, and nothing keeps the process alive', async () => {
    jest.useFakeTimers();
    try {
      const store = new WatchedStore();
      const { shared, adapter } = await made(store);
      await shared.start();
      store.stored = { mode: 'deprecation', since: 1, version: 9 };
      await jest.advanceTimersByTimeAsync(60_000);
      expect(adapter.mode).toBe('deprecation');
      shared.stop();
      store.stored = { mode: 'observe', since: 1, version: 10 };
      adapter.setMode('hybrid', 'by hand');
      await jest.advanceTimersByTimeAsync(600_000);
      expect([adapter.mode, store.stored.mode, jest.getTimerCount()]).toEqual(['hybrid', 'observe', 0]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('a mode that an instance cannot take is taken back for all', async () => {
    const store = new WatchedStore();
    const world = new World();
    const adapter = new DualModeAdapter({
      agent: await world.agent('api'),
      legacyKeyValidator: () => null,
      mode: 'deprecation',
      clients: world.clients,
      instances: 4, // whose nonces are in the memory of each: no xlink-only
    });
    const shared = new SharedMode({ adapter, store });
    await shared.start();
    const plan = new MigrationPlan({
      adapter,
      sharedMode: shared,
      auto: true,
      gates: [gate('deprecation', 'xlink-only')],
    });
    await expect(plan.evaluate()).rejects.toMatchObject({ id: 'NONCE_STORE_NOT_SHARED' });
    await expect(shared.setMode('xlink-only')).rejects.toMatchObject({ id: 'NONCE_STORE_NOT_SHARED' });
    expect([adapter.mode, store.stored?.mode]).toEqual(['deprecation', 'deprecation']);
    shared.stop();
  });

  test('a plan without auto advises to take back what somebody else set', async () => {
    const store = new WatchedStore();
    const world = new World();
    const { shared, plan, adapter } = await instance(world, store, { plan: { auto: false } });
    await shared.start();
    await plan.evaluate();
    adapter.setMode('xlink-only', 'by hand');
    await plan.evaluate();
    world.clients.add([
      { client: 'acme', keyRequests: 0, xlinkRequests: 0, failures: { XLINK_REQUIRED: 500 } },
    ]);
    expect(await plan.evaluate()).toMatchObject({ direction: 'back', next: 'hybrid', changed: false });
    expect(store.stored).not.toHaveProperty('wayBack');
  });

  test('errors from before a step do not count against it, whoever goes on from there', async () => {
    const store = new WatchedStore();
    const world = new World();
    const plan = { gates: [gate('observe', 'hybrid', { minDwellMs: HOUR })] };
    const before = await instance(world, store, { mode: 'observe', plan });
    await before.shared.start();
    await before.plan.evaluate();
    world.clients.add([
      { client: 'acme', keyRequests: 0, xlinkRequests: 0, failures: { SCOPE_DENIED: 100 } },
    ]);
    world.clock.advance(HOUR);
    expect((await before.plan.evaluate()).changed).toBe(true);
    expect(store.stored?.samples).toEqual([
      { at: world.clock(), totals: { key: 0, xlink: 0, refused: 100 } },
    ]);
  });

  test('totals that were lost do not stand still for a window', async () => {
    const store = new WatchedStore();
    const world = new World();
    const { shared, plan } = await instance(world, store, { plan: { windowMs: 2 * HOUR } });
    await shared.start();
    const count = (xlinkRequests: number) =>
      world.clients.add([{ client: 'acme', keyRequests: 0, xlinkRequests, failures: {} }]);
    count(1000);
    await plan.evaluate();
    world.clock.advance(HOUR);
    await plan.evaluate();
    expect(store.stored?.samples).toHaveLength(1 + 1);
    shared.stop();

    const emptied = new World();
    emptied.clock.set(world.clock() + 1);
    const later = await instance(emptied, store, { plan: { windowMs: 2 * HOUR } });
    await later.shared.start();
    await later.plan.evaluate();
    emptied.clients.add([{ client: 'acme', keyRequests: 1, xlinkRequests: 3, failures: {} }]);
    expect((await later.plan.evaluate()).traffic).toEqual({ key: 1, xlink: 3, refused: 0 });
  });
});

describe('FileModeStore', () => {
  test('keeps the last state over a restart, in a file that only the owner can read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'xlink-modes-'));
    const path = join(folder, 'mode.jsonl');
    const stores = [new FileModeStore(path)];
    try {
      for (let version = 0; version < 5; version++)
        await stores[0]!.save({ mode: 'hybrid', since: version }, version);
      for (const name of await readdir(folder))
        expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
      await stores[0]!.close();
      stores.push(new FileModeStore(path));
      expect(await stores[1]!.load()).toEqual({ version: 5, mode: 'hybrid', since: 4 });
      for (const text of ['', 'null', '[]', '{}', '{"mode":"hybrid","since":1}']) {
        await writeFile(path, text);
        await expect(stores[1]!.load()).rejects.toThrow();
        await expect(stores[1]!.save({ mode: 'observe', since: 1 }, 0)).rejects.toThrow();
        expect(await readFile(path, 'utf8')).toBe(text);
      }
    } finally {
      for (const store of stores) await store.close();
      await rm(folder, { recursive: true, maxRetries: 10 });
    }
  });
});

test.each([
  '',
  'null',
  '[]',
  '{}',
  '{"mode":"off","since":1}',
  '{"mode":"hybrid"}',
  '{"mode":"hybrid","since":"1"}',
  '{"mode":"hybrid","since":1.5}',
  '{"mode":"hybrid","since":1,"reason":7}',
  '{"mode":"hybrid","since":1,"wayBack":"off"}',
  '{"mode":"hybrid","since":1,"samples":{}}',
  '{"mode":"hybrid","since":1,"samples":[null]}',
  '{"mode":"hybrid","since":1,"samples":[{"at":1}]}',
  '{"mode":"hybrid","since":1,"samples":[{"at":1,"totals":{"key":1,"xlink":2}}]}',
])('parseModeState refuses %s', (json) => {
  expect(() => parseModeState(json)).toThrow();
});

test('parseModeState takes what it knows, and drops what it does not', () => {
  expect(parseModeState('{"mode":"hybrid","since":1,"__proto__":{"reason":"x"},"more":1}')).toEqual({
    mode: 'hybrid',
    since: 1,
  });
});

describe('options', () => {
  const pool = { connect() {}, on() {} };
  const redis = { status: 'ready', call() {}, multi() {}, connect() {}, on() {}, options: {} };

  test.each([
    ['pool', () => new PostgresClientStore({} as never)],
    ['pool', () => new PostgresClientStore({ pool: {} } as never)],
    ['table', () => new PostgresClientStore({ pool, table: 'a"b' } as never)],
    ['table', () => new PostgresClientStore({ pool, table: 'x'.repeat(51) } as never)],
    ['timeoutMs', () => new PostgresClientStore({ pool, timeoutMs: 0 } as never)],
    ['keyPrefix', () => new PostgresClientStore({ pool, keyPrefix: 'a' } as never)],
    ['pool', () => new PostgresModeStore({} as never)],
    ['table', () => new PostgresModeStore({ pool, table: 'a.b.c' } as never)],
    ['api', () => new PostgresModeStore({ pool, api: '' } as never)],
    ['client', () => new RedisClientStore({} as never)],
    ['client', () => new RedisClientStore({ client: pool } as never)],
    ['keyPrefix', () => new RedisClientStore({ client: redis, keyPrefix: 'a{b}' } as never)],
    ['timeoutMs', () => new RedisClientStore({ client: redis, timeoutMs: '1' } as never)],
    ['client', () => new RedisModeStore({} as never)],
    ['subscriber', () => new RedisModeStore({ client: redis, subscriber: {} } as never)],
    ['key', () => new RedisModeStore({ client: redis, key: '' } as never)],
    ['adapter', () => new SharedMode({ store: new WatchedStore() } as never)],
    [
      'store',
      () => new SharedMode({ adapter: { setMode() {}, shareMode() {}, observe() {}, emit() {} } } as never),
    ],
    [
      'store',
      () =>
        new SharedMode({
          adapter: { setMode() {}, shareMode() {}, observe() {}, emit() {} },
          store: {},
        } as never),
    ],
    [
      'intervalMs',
      () =>
        made(new WatchedStore()).then(
          ({ adapter }) => new SharedMode({ adapter, store: new WatchedStore(), intervalMs: 1 }),
        ),
    ],
  ] as const)('%s is refused (%#)', async (field, make) => {
    expect(await optionRefusedBy(make)).toBe(field);
  });

  test.each([
    ['since', 1],
    ['applyMode', () => {}],
    ['sharedMode', {}],
  ])('a plan with a shared mode refuses %s', async (field, value) => {
    const { adapter, shared } = await made(new WatchedStore());
    const options = { adapter, sharedMode: shared, [field]: value } as MigrationPlanOptions;
    expect(await optionRefusedBy(() => new MigrationPlan(options))).toBe(field);
  });
});
