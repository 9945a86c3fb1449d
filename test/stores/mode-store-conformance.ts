import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ClientStore, MemoryClientStore, type Mode, type ModeStore } from '@private.me/xlink';
import type { ModeState } from '@private.me/xlink/server';
import { gate } from '../adapters/migration/gate.js';
import {
  apiOf,
  followed,
  type Instance,
  instance,
  modesOf,
  stopAll,
} from '../adapters/migration/instances.js';
import { enrollment, sealed, withKey } from '../adapters/requests.js';
import { DAY, HOUR, NOON } from '../support/clock.js';
import { ACME } from '../support/http.js';
import { World } from '../support/world.js';

// What is true of every store of the shared mode, and of the instances that share it.

/** An empty place for one test. */
export interface OpenedModes {
  /** Another connection to the same place, as each instance of an API has one. Closed by `close`. */
  modes(): Promise<ModeStore>;
  /** Another connection to one store of clients in the same database. Default: one in memory. */
  clients?(): Promise<ClientStore>;
  /** All data are lost. */
  wipe(): Promise<void>;
  /** Puts something else in the place of the mode. */
  damage(): Promise<void>;
  close(): Promise<void>;
}

const FULL: ModeState = {
  mode: 'deprecation',
  since: 1_764_000_000_000,
  reason: 'the gate "from" \u0000 \ud800 é 😀 is open',
  wayBack: 'hybrid',
  samples: [{ at: 1_764_000_000_000, totals: { key: 1, xlink: 2 ** 52, refused: 0 } }],
};

/** How long nothing may be heard of a change. */
const _SOON_MS = 1000;

export function describeSharedMode(name: string, open: () => Promise<OpenedModes>): void {
  let opened: OpenedModes;
  let world: World;
  beforeEach(async () => {
    world = new World();
    opened = await open();
  });
  afterEach(async () => {
    stopAll();
    await opened.close();
  });

  const stores = (count: number) => Promise.all(Array.from({ length: count }, () => opened.modes()));
  /** That many instances that run. */
  const started = async (
    count: number,
    options: Parameters<typeof instance>[2] = {},
  ): Promise<Instance[]> => {
    const all = await Promise.all((await stores(count)).map((store) => instance(world, store, options)));
    await Promise.all(all.map(({ shared }) => shared.start()));
    return all;
  };

  describe(`${name}: the store`, () => {
    test('has nothing at first, and gives back what it got', async () => {
      const [store, other] = await stores(2);
      expect(await store!.load()).toBeUndefined();
      expect(await store!.save(FULL, 0)).toBe(true);
      expect(await other!.load()).toEqual({ ...FULL, version: 1 });
      const plain: ModeState = { mode: 'observe', since: 0 };
      expect(await other!.save(plain, 1)).toBe(true);
      expect(await store!.load()).toEqual({ ...plain, version: 2 });
    });

    test('writes only over the version that is expected', async () => {
      const [store, other] = await stores(2);
      expect(await store!.save({ mode: 'hybrid', since: 1 }, 0)).toBe(true);
      expect(await other!.save({ mode: 'observe', since: 2 }, 0)).toBe(false);
      expect(await store!.save({ mode: 'deprecation', since: 3 }, 1)).toBe(true);
      for (const version of [0, 1])
        expect(await other!.save({ mode: 'observe', since: 4 }, version)).toBe(false);
      expect(await other!.load()).toEqual({ mode: 'deprecation', since: 3, version: 2 });
    });

    test('of twenty that write at once, one succeeds; so it goes for ten rounds', async () => {
      const all = await stores(4);
      for (let version = 0; version < 10; version++) {
        const won = await Promise.all(
          Array.from({ length: 20 }, (_, at) => all[at % 4]!.save({ mode: 'hybrid', since: at }, version)),
        );
        expect(won.filter(Boolean)).toHaveLength(1);
        expect(await all[0]!.load()).toMatchObject({ version: version + 1, since: won.indexOf(true) });
      }
    });

    test('something else in its place is an error, not a mode', async () => {
      const [store] = await stores(1);
      await store!.save(FULL, 0);
      await opened.damage();
      await expect(store!.load()).rejects.toThrow();
    });
  });

  describe(`${name}: four instances`, () => {
    test('what an operator sets on one of them, all follow within a second', async () => {
      const all = await started(4);
      const times: number[] = [];
      for (const [at, mode] of (['deprecation', 'xlink-only', 'hybrid', 'observe'] as const).entries()) {
        world.clock.advance(HOUR);
        all[at]!.adapter.setMode(mode, `by hand at ${at}`);
        times.push(await followed(all, mode));
      }
      process.stdout.write(`${name}: all four follow within ${times.map(Math.ceil).join(', ')} ms\n`);
      const steps = [
        'hybrid > deprecation: by hand at 0',
        'deprecation > xlink-only: by hand at 1',
        'xlink-only > hybrid: by hand at 2',
        'hybrid > observe: by hand at 3',
      ];
      for (const { changes, faults } of all) expect([changes(), faults()]).toEqual([steps, []]);
      expect(all[0]!.shared.state).toMatchObject({ mode: 'observe', since: NOON + 4 * HOUR });
    });

    test('setMode resolves when the next instance would start in that mode', async () => {
      const [one] = await started(1);
      await one!.shared.setMode('deprecation', 'by hand');
      const [later] = await started(1, { mode: 'observe' });
      expect(later!.adapter.mode).toBe('deprecation');
      expect(later!.changes()).toEqual(['observe > deprecation: the instances share this mode: by hand']);
    });

    test('twenty operators at once: all instances end in one mode, the last that was stored', async () => {
      const all = await started(4);
      const modes: Mode[] = ['observe', 'hybrid', 'deprecation', 'xlink-only'];
      await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          all[at % 4]!.shared.setMode(modes[(at * 7) % 4]!, `operator ${at}`),
        ),
      );
      const [reader] = await stores(1);
      const { mode } = (await reader!.load())!;
      await followed(all, mode);
    });

    test('of plans that all see an open gate, one makes the step and the others follow', async () => {
      const all = await started(4, {
        mode: 'observe',
        plan: { gates: [gate('observe', 'hybrid'), gate('hybrid', 'deprecation', { minDwellMs: DAY })] },
      });
      const before = all[0]!.shared.state!.version;
      const advice = await Promise.all(all.map(({ plan }) => plan.evaluate()));
      expect(advice.filter(({ changed }) => changed)).toHaveLength(1);
      await followed(all, 'hybrid');
      for (const { changes, plan } of all) {
        expect(changes()).toEqual(['observe > hybrid: the gate from observe to hybrid is open']);
        expect(await plan.evaluate()).toMatchObject({ mode: 'hybrid', changed: false });
      }
      expect(all[0]!.shared.state).toMatchObject({ mode: 'hybrid', wayBack: 'observe', version: before + 1 });
    });

    test('a race of twenty plans is one step, from gate to gate', async () => {
      const over = await stores(4);
      const gates = [
        gate('observe', 'hybrid', { minDwellMs: HOUR }),
        gate('hybrid', 'deprecation', { minDwellMs: HOUR }),
        gate('deprecation', 'xlink-only', { minDwellMs: HOUR }),
      ];
      const all = await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          instance(world, over[at % 4]!, { mode: 'observe', plan: { gates, windowMs: 2 ** 40 } }),
        ),
      );
      await Promise.all(all.map(({ shared }) => shared.start()));
      const modes = ['hybrid', 'deprecation', 'xlink-only'] as const;
      for (const [step, mode] of modes.entries()) {
        world.clock.advance(HOUR);
        const advice = await Promise.all(all.map(({ plan }) => plan.evaluate()));
        expect(advice.filter(({ changed }) => changed)).toHaveLength(1);
        await followed(all, mode);
        expect(await over[0]!.load()).toMatchObject({
          mode,
          version: step + 2,
          wayBack: ['observe', ...modes][step],
        });
      }
      for (const { changes, faults } of all) {
        expect(changes().map((change) => change.split(':')[0])).toEqual([
          'observe > hybrid',
          'hybrid > deprecation',
          'deprecation > xlink-only',
        ]);
        expect(faults()).toEqual([]);
      }
    });

    test('one that fails after the step sends all of them back, once', async () => {
      const all = await started(4, {
        mode: 'observe',
        plan: { gates: [gate('observe', 'hybrid', { minDwellMs: 1 })] },
      });
      await Promise.all(all.map(({ plan }) => plan.evaluate()));
      world.clock.advance(1);
      await all[0]!.plan.evaluate();
      await followed(all, 'hybrid');
      world.clients.add([{ client: 'acme', keyRequests: 0, xlinkRequests: 70, failures: { INTERNAL: 30 } }]);
      const advice = await Promise.all(all.map(({ plan }) => plan.evaluate()));
      expect(advice.filter(({ changed, direction }) => changed && direction === 'back')).toHaveLength(1);
      await followed(all, 'observe');
      expect(all[0]!.shared.state).not.toHaveProperty('wayBack');
      for (const { changes } of all)
        expect(changes().at(-1)).toBe('hybrid > observe: 30.0% of requests were refused; 1.0% is the limit');
    });

    test('the way back of an operator holds against plans that would go on', async () => {
      const all = await started(4, { plan: { gates: [gate('hybrid', 'deprecation', { minDwellMs: DAY })] } });
      world.clock.advance(DAY);
      expect((await all[1]!.plan.evaluate()).changed).toBe(true);
      const ms = await followed(all, 'deprecation');
      process.stdout.write(`${name}: the step of a plan reaches all four within ${Math.ceil(ms)} ms\n`);
      world.clock.advance(HOUR);
      all[2]!.adapter.setMode('hybrid', 'customers call');
      await followed(all, 'hybrid');
      world.clock.advance(DAY - 1);
      for (const { plan } of all) {
        const { changed, blockers } = await plan.evaluate();
        expect([changed, blockers]).toEqual([
          false,
          ['hybrid has been in force for 1 day; this step needs 1 day'],
        ]);
      }
      world.clock.advance(1);
      expect((await all[3]!.plan.evaluate()).changed).toBe(true);
    });

    test('a plan goes on after a restart: time in force, what is watched, and the traffic it saw', async () => {
      const gates = [
        gate('observe', 'hybrid'),
        gate('hybrid', 'deprecation', { minDwellMs: 28 * DAY, minXlinkPercentage: 95 }),
      ];
      const clients = (await opened.clients?.()) ?? new MemoryClientStore();
      const used = (key: number, xlink: number, failures = {}) =>
        clients.add([{ client: 'acme', keyRequests: key, xlinkRequests: xlink, failures }]);
      const run = async () =>
        (await started(1, { mode: 'observe', clients, plan: { gates, windowMs: DAY } }))[0]!;
      const first = await run();
      expect((await first.plan.evaluate()).changed).toBe(true);
      first.shared.stop();

      world.clock.advance(HOUR);
      const second = await run();
      await used(10, 0, { INTERNAL: 90 });
      expect(await second.plan.evaluate()).toMatchObject({
        direction: 'back',
        next: 'observe',
        changed: true,
      });
      second.shared.stop();

      const third = await run();
      expect((await third.plan.evaluate()).changed).toBe(true);
      world.clock.advance(27 * DAY);
      await third.plan.evaluate();
      world.clock.advance(DAY - HOUR);
      await used(30, 70);
      await third.plan.evaluate();
      third.shared.stop();

      // A moment after the start one request is no 100 %: what was seen before the restart counts.
      world.clock.advance(HOUR);
      const fourth = await run();
      await used(0, 1);
      expect(await fourth.plan.evaluate()).toMatchObject({
        changed: false,
        traffic: { key: 30, xlink: 71 },
        blockers: ['70.3% of accepted requests use xLink; this step needs 95%'],
      });
      world.clock.advance(DAY);
      await used(0, 100);
      expect((await fourth.plan.evaluate()).changed).toBe(true);
    });

    test('what the store loses, the instances give back: nobody falls back to an earlier mode', async () => {
      const all = await started(4);
      await all[0]!.shared.setMode('deprecation', 'by hand');
      await followed(all, 'deprecation');
      const { since } = all[0]!.shared.state!;
      await opened.wipe();
      await Promise.all(all.map(({ shared }) => shared.refresh()));
      const [later] = await started(1, { mode: 'observe' });
      expect(modesOf([...all, later!])).toEqual(Array(5).fill('deprecation'));
      expect(later!.shared.state).toMatchObject({ since, reason: 'by hand' });
    });

    test('a damaged store changes no mode, and is a fault', async () => {
      const [one] = await started(1, { mode: 'deprecation' });
      await opened.damage();
      await expect(one!.shared.refresh()).rejects.toMatchObject({ id: 'MODE_STORE_UNAVAILABLE' });
      expect(one!.adapter.mode).toBe('deprecation');
      expect(one!.faults()).toContain('MODE_STORE_UNAVAILABLE');
      const [store] = await stores(1);
      const another = await instance(world, store!);
      await expect(another.shared.start()).rejects.toMatchObject({ id: 'MODE_STORE_UNAVAILABLE' });
    });

    test('a client that is latched on one of them is latched on the others', async () => {
      const device = await world.stranger('device');
      const api = await apiOf(world);
      const services = await Promise.all(
        [1, 2].map(async () =>
          world.serve({
            agent: api,
            clock: world.clock,
            clients: (await opened.clients?.()) ?? world.clients,
            onDowngrade: 'refuse',
          }),
        ),
      );
      const [a, b] = services;
      expect((await a!.send(enrollment(device, api, ACME))).status).toBe(200);
      await b!.accepted(withKey(ACME));
      await a!.accepted(sealed(device, api, {}, { scope: 'orders:read' }));
      await a!.quiet();
      await a!.adapter.close();
      await b!.refused(withKey(ACME), '401 API_KEY_LATCHED');
      await a!.refused(withKey(ACME), '401 API_KEY_LATCHED');
    });
  });
}
