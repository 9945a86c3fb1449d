import { describe, expect, test } from '@jest/globals';
import {
  DualModeAdapter,
  type DualModeOptions,
  MemoryClientStore,
  MemoryOperationsStore,
  type ModeStore,
  operatorHint,
  SharedMode,
  type XlinkEvent,
} from '@private.me/xlink';
import { DAY, NOON } from '../support/clock.js';
import { World } from '../support/world.js';

const SECRET = 'canary-4f1d';

async function made(more: Partial<DualModeOptions> = {}) {
  const world = new World();
  const events: XlinkEvent[] = [];
  const adapter = new DualModeAdapter({
    agent: await world.agent('api'),
    legacyKeyValidator: () => null,
    clients: world.clients,
    clock: world.clock,
    observers: [(event) => void events.push(event)],
    ...more,
  });
  return { world, adapter, events };
}

describe('adapter.health', () => {
  test('is ready where all stores answer, and says what comes next', async () => {
    const brownout = { from: new Date(NOON + DAY), until: new Date(NOON + 2 * DAY) };
    const { adapter } = await made({ mode: 'deprecation', brownouts: [brownout] });
    const health = await adapter.health();
    expect(health).toMatchObject({
      ready: true,
      why: [],
      at: new Date(NOON).toISOString(),
      mode: 'deprecation',
      nextBrownout: { from: brownout.from.toISOString(), until: brownout.until.toISOString() },
    });
    expect(Object.entries(health.stores).map(([name, { ok }]) => [name, ok])).toEqual(
      ['identity', 'registry', 'nonces', 'clients', 'operations'].map((name) => [name, true]),
    );
    expect(Math.abs(health.clockMovedMs)).toBeLessThan(60_000);
  });

  test('names each store that does not answer', async () => {
    const clients = new MemoryClientStore();
    clients.get = () => {
      throw new Error(`connect ECONNREFUSED ${SECRET}`);
    };
    const operations = new MemoryOperationsStore();
    operations.load = () => {
      throw new Error(SECRET);
    };
    const { adapter } = await made({ clients, operations });
    const health = await adapter.health();
    expect(health.ready).toBe(false);
    expect(health.why).toEqual([
      'the store of clients did not answer (CLIENT_STORE_UNAVAILABLE)',
      expect.stringMatching(/^the store of operations did not answer/),
    ]);
    expect(JSON.stringify(health)).not.toContain(SECRET);
  });

  test('asks the store of the shared mode, where there is one', async () => {
    let isAway = false;
    const store: ModeStore = {
      load() {
        if (isAway) throw new Error('away');
        return { mode: 'hybrid', since: NOON, version: 1 };
      },
      save: () => true,
    };
    const { adapter } = await made();
    const shared = new SharedMode({ adapter, store });
    await shared.start();
    expect((await adapter.health()).stores['mode']).toMatchObject({ ok: true });
    isAway = true;
    expect(await adapter.health()).toMatchObject({ ready: false, stores: { mode: { ok: false } } });
    shared.stop();
    expect((await adapter.health()).stores).not.toHaveProperty('mode');
  });
});

describe('adapter.supportDump', () => {
  test('holds no text of the application, and clients as numbers', async () => {
    const { adapter, world } = await made({
      realm: SECRET,
      hosts: [`${SECRET}.example.com`],
      deprecation: { migrationUrl: `https://${SECRET}.example.com/` },
      maxDidsPerClient: 7,
    });
    world.clients.add([{ client: SECRET, keyRequests: 1, xlinkRequests: 0, failures: {} }]);
    const dump = await adapter.supportDump();
    expect(JSON.stringify(dump)).not.toContain(SECRET);
    expect(dump.options).toMatchObject({ maxDidsPerClient: 7, realm: '(set)', agent: '(set)' });
    expect(dump.clients).toMatchObject([
      { client: expect.stringMatching(/^[\w-]{8}$/), state: 'not-enrolled' },
    ]);
    expect((await adapter.supportDump()).clients).toEqual(dump.clients);
    expect((await adapter.supportDump({ clients: 'named' })).clients).toMatchObject([{ client: SECRET }]);
  });
});

describe('what an operator does', () => {
  test('leaves who and why', async () => {
    const { adapter, events } = await made();
    await adapter.revokeClient('bolt', { allowUnknown: true, by: 'mia', reason: 'ended' });
    await adapter.restoreClient('bolt', { by: 'mia', why: 'paid' });
    adapter.setMode('hybrid', 'ticket 42', { by: 'mia' });
    expect(events.filter(({ type }) => type === 'operation')).toEqual([
      { type: 'operation', operation: 'revoke-client', target: 'bolt', by: 'mia', why: 'ended' },
      { type: 'operation', operation: 'restore-client', target: 'bolt', by: 'mia', why: 'paid' },
    ]);
    expect(events.filter(({ type }) => type === 'mode').at(-1)).toMatchObject({
      by: 'mia',
      reason: 'ticket 42',
    });
  });
});

test('hints for operators are by id, and for no other text', () => {
  expect(operatorHint('BODY_TOO_LARGE')).toContain('bodyLimits');
  expect(operatorHint('API_KEY_INVALID')).toEqual(expect.any(String));
  for (const text of ['NO_SUCH_ERROR', 'constructor', '__proto__'])
    expect(operatorHint(text)).toBeUndefined();
});
