import { describe, expect, test } from '@jest/globals';
import {
  type ClientStore,
  type DashboardOptions,
  DualModeAdapter,
  MemoryClientStore,
  MigrationPlan,
  type XlinkEvent,
} from '@private.me/xlink';
import type { DashboardSnapshot, PlanView } from '@private.me/xlink/server';
import { readable } from '../../src/dashboard/readable.js';
import { Snapshots } from '../../src/dashboard/snapshots.js';
import { ALL_CLIENTS } from '../../src/dashboard/view-query.js';
import { frozenClock, NOON } from '../support/clock.js';
import { World } from '../support/world.js';
import { adapterOf, clientRecord, requestEvent } from './support.js';

const read = async (snapshots: Snapshots, search = ''): Promise<DashboardSnapshot> =>
  JSON.parse(JSON.stringify(await snapshots.snapshot({ ...ALL_CLIENTS, search })));

const watch = (adapter: DualModeAdapter, options: DashboardOptions<never> = {}) =>
  new Snapshots(adapter, { clock: frozenClock(), ...options });

/** A store that counts how often it is read. */
function counting(): { store: ClientStore; reads: () => number } {
  const store = new MemoryClientStore();
  let reads = 0;
  const list = store.list.bind(store);
  store.list = () => {
    reads += 1;
    return list();
  };
  return { store, reads: () => reads };
}

test('everything in one', async () => {
  const sunset = new Date(NOON + 1e9);
  const adapter = await adapterOf({ deprecation: { sunset }, clock: frozenClock() });
  const snapshots = watch(adapter);
  adapter.emit(requestEvent('xlink'));
  adapter.emit(requestEvent('api-key'));
  adapter.emit(requestEvent('xlink', 'REPLAY_DETECTED'));
  adapter.emit({ type: 'observed', reason: 'ok' });
  adapter.emit({ type: 'observed', reason: 'REPLAY_DETECTED' });
  const snapshot = await read(snapshots);
  expect(snapshot).toMatchObject({
    generatedAt: NOON,
    refreshMs: 2000,
    process: { pid: process.pid, since: NOON, id: expect.stringMatching(/^[\w-]{8}$/) },
    mode: { current: 'hybrid', sunset: sunset.getTime() },
    plan: 'not-given',
    adoption: { share: 0.5, requests: 2, by: 'process' },
    totals: { xlink: 1, apiKey: 1, refused: 1 },
    observed: { accepted: 1, refused: 1 },
    clients: { kept: true, total: 0, safe: 0, matching: 0, rows: [] },
    failures: [{ reason: 'REPLAY_DETECTED', count: 1 }],
  });
  expect(snapshot.mode).not.toHaveProperty('since');
  expect(Object.keys(snapshot.ranges)).toEqual(['minutes', 'day', 'month']);
});

test('the mode, and since when; modes of clients and routes are not it', async () => {
  const clock = frozenClock();
  const adapter = await adapterOf({ clock });
  const snapshots = watch(adapter, { clock });
  clock.advance(5000);
  adapter.setMode('xlink-only', 'test', { client: 'acme' });
  expect((await read(snapshots)).mode).toEqual({ current: 'hybrid', passed: [], skipped: [] });
  adapter.setMode('deprecation');
  clock.advance(5000);
  expect((await read(snapshots)).mode).toEqual({
    current: 'deprecation',
    since: NOON + 5000,
    passed: ['hybrid', 'deprecation'],
    skipped: [],
  });
});

describe('the plan', () => {
  test('before and after it has looked', async () => {
    const clock = frozenClock();
    const clients = new MemoryClientStore(
      Array.from({ length: 30 }, (_, i) => clientRecord(`client ${i} ${'x'.repeat(5000)}`)),
    );
    const adapter = await adapterOf({ clients, mode: 'deprecation', clock });
    const plan = new MigrationPlan({
      adapter,
      clock,
      gates: [
        {
          from: 'deprecation',
          to: 'xlink-only',
          minXlinkPercentage: 0,
          minDwellMs: 0,
          maxErrorRate: 1,
          requireSafeClients: true,
        },
      ],
    });
    const snapshots = watch(adapter, { clock, plan });
    expect((await read(snapshots)).plan).toBe('waiting');
    await plan.evaluate();
    clock.advance(5000);
    const after = (await read(snapshots)).plan;
    expect(after).toMatchObject({ next: 'xlink-only', direction: 'forward', ready: false, moreBlockers: 0 });
    const { blockers } = after as PlanView;
    expect(blockers).toEqual(['30 clients are not ready']);
    for (const text of blockers) expect(text.length).toBeLessThanOrEqual(200);
  });
});

describe('the work is shared', () => {
  test('fifty viewers cost one look at the store, until it is time for the next', async () => {
    const { store, reads } = counting();
    const clock = frozenClock();
    const snapshots = watch(await adapterOf({ clients: store }), { clock, refreshMs: 1000 });
    await Promise.all(Array.from({ length: 50 }, (_, i) => read(snapshots, i % 2 ? 'acme' : '')));
    expect(reads()).toBe(1);
    clock.advance(899);
    await read(snapshots);
    expect(reads()).toBe(1);
    clock.advance(1);
    await read(snapshots);
    expect(reads()).toBe(2);
  });
});

describe('clients', () => {
  test('without the option say so', async () => {
    const agent = await new World().agent('orders-api');
    const adapter = new DualModeAdapter({ agent, legacyKeyValidator: () => null });
    expect((await read(watch(adapter))).clients).toEqual({ kept: false, why: 'not-configured' });
  });

  test('whose store is down are missing, and nothing else is', async () => {
    const { store } = counting();
    const events: XlinkEvent[] = [];
    store.list = () => {
      throw new Error('connection refused');
    };
    const adapter = await adapterOf({ clients: store, observers: [(event) => events.push(event)] });
    const snapshots = watch(adapter);
    adapter.emit(requestEvent('xlink'));
    expect(await read(snapshots)).toMatchObject({
      clients: { kept: false, why: 'unavailable' },
      totals: { xlink: 1 },
    });
    expect(events.filter(({ type }) => type === 'fault')).toHaveLength(1);
  });

  test('whose store does not answer are missing after a while, and it is not asked twice meanwhile', async () => {
    const { store, reads } = counting();
    const list = store.list.bind(store);
    store.list = () => {
      list();
      return new Promise(() => {});
    };
    const clock = frozenClock();
    const snapshots = watch(await adapterOf({ clients: store }), { clock, refreshMs: 1000 });
    const first = read(snapshots);
    clock.advance(1000);
    const answers = await Promise.all([first, read(snapshots)]);
    for (const { clients } of answers) expect(clients).toEqual({ kept: false, why: 'unavailable' });
    expect(reads()).toBe(1);
  }, 20_000);

  test('in the way come first; of many only some are sent, and the search finds the others', async () => {
    const records = Array.from({ length: 5000 }, (_, i) =>
      clientRecord(`client-${i}`, i < 4900 ? { dids: ['did'], lastXlinkUse: NOON } : { lastKeyUse: NOON }),
    );
    const clock = frozenClock();
    const adapter = await adapterOf({ clients: new MemoryClientStore(records), clock });
    const snapshots = watch(adapter, { clock });
    const { clients } = await read(snapshots);
    if (!clients.kept) throw new Error('no clients');
    expect([clients.total, clients.safe, clients.matching, clients.rows.length]).toEqual([
      5000, 4900, 5000, 100,
    ]);
    expect(clients.rows.every(({ safe, state }) => !safe && state === 'not-enrolled')).toBe(true);
    expect(clients.states).toMatchObject({ moved: 4900, 'not-enrolled': 100 });
    const found = (await read(snapshots, 'CLIENT-123')).clients;
    expect(found).toMatchObject({ total: 5000, matching: 11 });
    expect((await read(snapshots, 'nobody')).clients).toMatchObject({ total: 5000, matching: 0, rows: [] });
    expect(JSON.stringify(await read(snapshots)).length).toBeLessThan(40_000);
  });
});

test.each([
  ['acme', 'acme'],
  ['密客 ünï', '密客 ünï'],
  ['\u202Egro.live\u202C', '\uFFFDgro.live\uFFFD'],
  ['a\u0000\n\u200Bb', 'a\uFFFD\uFFFD\uFFFDb'],
  ['x'.repeat(11), `${'x'.repeat(9)}…`],
  ['x'.repeat(10), 'x'.repeat(10)],
  ['😀'.repeat(10), '😀'.repeat(10)],
  ['😀'.repeat(10_000), `${'😀'.repeat(9)}…`],
])('%j is shown as %j', (name, shown) => expect(readable(name, 10)).toBe(shown));
