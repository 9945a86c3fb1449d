import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { DualModeAdapter, type Mode, type ModeEvent, type ModeStore, SharedMode } from '@private.me/xlink';
import { DashboardRecorder } from '../../../src/dashboard/recorder.js';
import { FileModeStore } from '../../../src/file.js';
import type { InboundRequest } from '../../../src/http/decision.js';
import { memoryStores } from '../../../src/testing.js';
import { afterTest } from '../../support/after-test.js';
import { HOUR, MINUTE, NOON } from '../../support/clock.js';
import { World } from '../../support/world.js';
import { apiOf } from './instances.js';

/** A process of the API as it starts: its adapter, its dashboard, and the shared mode if there is a store. */
async function started(world: World, store?: ModeStore, mode: Mode = 'observe') {
  const { clock } = world;
  const events: ModeEvent[] = [];
  const adapter = new DualModeAdapter({
    agent: await apiOf(world),
    legacyKeyValidator: () => ({ clientId: 'acme' }),
    mode,
    clients: world.clients,
    clock,
    observers: [(event) => void (event.type === 'mode' && events.push(event))],
  });
  const shown = new DashboardRecorder(adapter, clock);
  const shared = store && new SharedMode({ adapter, store, clock, intervalMs: 60_000 });
  await shared?.start();
  afterTest(() => shared?.stop());
  const header = async () => {
    const inbound: InboundRequest = {
      method: 'GET',
      target: '/orders',
      hasBody: false,
      raw: {},
      header: (name) => (name === 'x-api-key' ? 'k' : undefined),
      readBody: async () => new Uint8Array(),
    };
    const decision = await adapter.decide(inbound);
    return decision.action === 'pass' ? decision.headers?.['Deprecation'] : decision.action;
  };
  const moments = () => shown.marks.map(({ at, text }) => [at, text]);
  return { adapter, shared, events, header, shown, moments };
}

const dated = (at: number): string => `@${at / 1000}`;

describe('since when a mode is in force', () => {
  test('outlives restarts, in headers, dashboard and events', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'xlink-since-'));
    const world = new World();
    const open = () => new FileModeStore(join(folder, 'mode.jsonl'));
    const before = open();
    const first = await started(world, before, 'hybrid');
    world.clock.advance(HOUR);
    await first.shared!.setMode('deprecation', 'as announced');
    expect(await first.header()).toBe(dated(NOON + HOUR));
    first.shared!.stop();
    expect([await first.header(), first.adapter.modeSince]).toEqual([dated(NOON + HOUR), NOON + HOUR]);
    await before.close();

    for (const mode of ['observe', 'deprecation'] as const) {
      world.clock.advance(HOUR);
      const store = open();
      const again = await started(world, store, mode);
      expect(await again.header()).toBe(dated(NOON + HOUR));
      expect(again.adapter.modeSince).toBe(NOON + HOUR);
      expect(again.shown.mode).toMatchObject({ current: 'deprecation', since: NOON + HOUR });
      if (mode === 'observe') {
        expect(again.moments()).toEqual([
          [NOON + HOUR, 'Mode observe → deprecation: the instances share this mode: as announced'],
        ]);
        expect(again.events.at(-1)).toMatchObject({ to: 'deprecation', since: NOON + HOUR });
      }
      again.shared!.stop();
      await store.close();
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  test('is the same on all instances, whichever set it and whenever they started', async () => {
    const world = new World();
    const { modes } = memoryStores();
    const one = await started(world, modes);
    const two = await started(world, modes);
    world.clock.advance(MINUTE);
    one.adapter.setMode('deprecation');
    await one.shared!.refresh();
    world.clock.advance(MINUTE);
    await two.shared!.refresh();
    world.clock.advance(MINUTE);
    const three = await started(world, modes, 'deprecation');
    const headers = await Promise.all([one, two, three].map(({ header }) => header()));
    expect(headers).toEqual(Array(3).fill(dated(NOON + MINUTE)));
    expect([one, two, three].map(({ adapter }) => adapter.modeSince)).toEqual(Array(3).fill(NOON + MINUTE));
    expect(two.events.at(-1)).toMatchObject({ from: 'observe', to: 'deprecation', since: NOON + MINUTE });
  });

  test('without a shared mode each process knows it from its own changes', async () => {
    const world = new World();
    const { adapter, header, events } = await started(world, undefined, 'deprecation');
    expect([adapter.modeSince, await header()]).toEqual([undefined, dated(NOON)]);
    expect(events).toEqual([{ type: 'mode', to: 'deprecation' }]);
    world.clock.advance(HOUR);
    adapter.setMode('hybrid');
    expect(adapter.modeSince).toBe(NOON + HOUR);
    world.clock.advance(HOUR);
    adapter.setMode('deprecation', undefined, { client: 'acme' });
    expect([adapter.modeSince, await header()]).toEqual([NOON + HOUR, dated(NOON + 2 * HOUR)]);
  });
});
