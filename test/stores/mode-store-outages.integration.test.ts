import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { gate } from '../adapters/migration/gate.js';
import { followed, instance, modesOf, stopAll } from '../adapters/migration/instances.js';
import { HOUR } from '../support/clock.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { World } from '../support/world.js';
import { BACKENDS, type Database, type Stores, type StoresOptions, timed } from './client-store-backends.js';

const TIMEOUT_MS = 300;
/** A busy machine is late. */
const SLACK_MS = 1500;
const RECOVERY_MS = 5000;
const DOWN = { id: 'MODE_STORE_UNAVAILABLE' };

const succeeds = (call: () => Promise<unknown>) =>
  until(async () => !(await timed(call())).error, { withinMs: RECOVERY_MS, what: 'the store to be back' });

for (const backend of BACKENDS) {
  backend.describe(`the shared mode in ${backend.name} while it fails`, () => {
    let database: Database;
    let world: World;
    let open: Stores[];
    let name: string;
    let tests = 0;

    beforeAll(async () => {
      database = await backend.start();
    }, 30_000);
    afterAll(() => database?.stop());
    let isDown = false;
    const down = async () => {
      isDown = true;
      await database.kill();
    };
    const up = async () => {
      await database.restart();
      isDown = false;
    };
    // Clients that cannot connect would try for ever.
    afterEach(async () => {
      if (isDown) await up();
    });
    beforeEach(() => {
      world = new World();
      open = [];
      name = `test_${tests++}`;
    });
    afterEach(async () => {
      stopAll();
      await Promise.all(open.map((stores) => stores.end()));
    });

    const modes = async (options: Partial<StoresOptions> = {}) => {
      open.push(await backend.stores({ name, port: database.port, timeoutMs: TIMEOUT_MS, ...options }));
      return open.at(-1)!.modes;
    };
    const started = async (
      options: Partial<StoresOptions> = {},
      more: Parameters<typeof instance>[2] = {},
    ) => {
      const one = await instance(world, await modes(options), { intervalMs: 100, ...more });
      await one.shared.start();
      return one;
    };

    test('down: the mode stays, plans make no step, what an operator sets counts here at once and elsewhere when it is back', async () => {
      const plan = { gates: [gate('deprecation', 'xlink-only')] };
      const [a, b] = [await started({}, { plan }), await started({}, { plan })];
      await a.shared.setMode('deprecation', 'by hand');
      await followed([a, b], 'deprecation');
      await down();
      for (const { plan: of } of [a, b]) {
        const { error, ms } = await timed(of.evaluate());
        expect(error).toMatchObject(DOWN);
        expect(ms).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      }
      expect(modesOf([a, b])).toEqual(['deprecation', 'deprecation']);
      expect(a.faults()).toContain('MODE_STORE_UNAVAILABLE');
      expect(b.faults()).toContain('MODE_STORE_UNAVAILABLE');

      world.clock.advance(HOUR);
      await expect(a.shared.setMode('hybrid', 'customers call')).rejects.toMatchObject(DOWN);
      expect(modesOf([a, b])).toEqual(['hybrid', 'deprecation']);
      await up();
      const ms = await followed([a, b], 'hybrid', RECOVERY_MS);
      process.stdout.write(`${backend.name}: after a restart, followed within ${Math.ceil(ms)} ms\n`);
      expect(b.changes().at(-1)).toBe('deprecation > hybrid: customers call');
      expect(b.shared.state).toMatchObject({ mode: 'hybrid', reason: 'customers call' });
    });

    test('down: of two changes that could not be stored, the later one counts', async () => {
      const [a, b] = [await started(), await started()];
      await down();
      world.clock.advance(HOUR);
      a.adapter.setMode('observe', 'earlier');
      world.clock.advance(1);
      b.adapter.setMode('xlink-only', 'later');
      await expect(a.shared.refresh()).rejects.toMatchObject(DOWN);
      await expect(b.shared.refresh()).rejects.toMatchObject(DOWN);
      await up();
      await followed([a, b], 'xlink-only', RECOVERY_MS);
      await a.shared.refresh();
      await b.shared.refresh();
      expect(modesOf([a, b])).toEqual(['xlink-only', 'xlink-only']);
    });

    test('down: an instance does not start unseen in the mode of its options', async () => {
      const a = await started();
      await a.shared.setMode('deprecation', 'by hand');
      const store = await modes();
      await down();
      const late = await instance(world, store, { mode: 'hybrid' });
      const { error, ms } = await timed(late.shared.start());
      expect(error).toMatchObject(DOWN);
      expect(ms).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      expect(late.faults()).toEqual(['MODE_STORE_UNAVAILABLE']);
      await up();
      await succeeds(() => late.shared.start());
      expect(late.adapter.mode).toBe('deprecation');
    });

    test('frozen: everything ends in time, and goes on afterwards', async () => {
      const proxy = await TcpProxy.start(database.port);
      const a = await started();
      const b = await started({ port: proxy.port, subscriberPort: proxy.port });
      await a.shared.setMode('deprecation', 'before');
      await followed([a, b], 'deprecation');
      proxy.freeze();
      await a.shared.setMode('xlink-only', 'meanwhile');
      const { error, ms } = await timed(b.shared.refresh());
      expect(error).toMatchObject(DOWN);
      expect(ms).toBeLessThan(2 * TIMEOUT_MS + SLACK_MS); // behind a look that is under way
      expect(b.adapter.mode).toBe('deprecation');
      proxy.heal();
      await followed([b], 'xlink-only', RECOVERY_MS);
      b.shared.stop();
    });

    test('a step whose answer got lost is one step, and whoever made it follows it, too', async () => {
      const proxy = await TcpProxy.start(database.port);
      const store = await modes({ port: proxy.port });
      // Hears of nothing, so that nothing else is under way when the answers stop.
      const deaf = {
        load: () => store.load(),
        save: (...args: Parameters<typeof store.save>) => store.save(...args),
      };
      const a = await instance(world, deaf);
      await a.shared.start();
      await a.shared.setMode('hybrid', 'from here');
      const shared = await a.shared.refresh();
      proxy.freeze('answers');
      const step = { mode: 'deprecation', since: world.clock(), reason: 'a step' } as const;
      await expect(a.shared.write(step, shared)).rejects.toMatchObject(DOWN);
      expect(a.adapter.mode).toBe('hybrid');
      proxy.heal();
      const b = await started({}, { mode: 'deprecation' });
      await succeeds(() => a.shared.refresh());
      expect(a.shared.state).toMatchObject({ ...step, version: shared.version + 1 });
      expect(modesOf([a, b])).toEqual(['deprecation', 'deprecation']);
    });

    test('who hears of nothing asks, and follows all the same', async () => {
      const deaf = await TcpProxy.start(database.port);
      const a = await started();
      const b = await started({ subscriberPort: deaf.port });
      deaf.cut();
      await a.shared.setMode('deprecation', 'by hand');
      const ms = await followed([b], 'deprecation', RECOVERY_MS);
      process.stdout.write(
        `${backend.name}: without notifications, followed within ${Math.ceil(ms)} ms of 100\n`,
      );
    });
  });
}
