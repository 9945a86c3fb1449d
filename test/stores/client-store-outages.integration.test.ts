import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { ClientStore } from '@private.me/xlink';
import { ClientLedger } from '../../src/adapters/clients/ledger.js';
import { atOnce } from '../support/at-once.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { BACKENDS, type Database, type Stores, timed } from './client-store-backends.js';
import { used } from './client-store-conformance.js';

const TIMEOUT_MS = 700;
/** A busy machine is late. */
const SLACK_MS = 1500;
/** Within which all is well again, by itself. */
const RECOVERY_MS = 5000;

/** Each method once. */
const CALLS: Readonly<Record<keyof ClientStore, (store: ClientStore) => Promise<unknown>>> = {
  get: async (store) => store.get('acme'),
  list: async (store) => store.list(),
  clientOf: async (store) => store.clientOf('did:key:a'),
  standingOf: async (store) => store.standingOf('did:key:a'),
  link: async (store) => store.link('did:key:b', 'acme'),
  unlink: async (store) => store.unlink('did:key:c'),
  setRevoked: async (store) => store.setRevoked('bolt', 5),
  add: async (store) => store.add([used('acme', { keyRequests: 1 })], 'doubtful'),
  setKeyOff: async (store) => store.setKeyOff('acme', 5),
};

for (const backend of BACKENDS) {
  backend.describe(`clients in ${backend.name} while it fails`, () => {
    let database: Database;
    let proxy: TcpProxy;
    let direct: Stores;
    let through: Stores;
    let store: ClientStore;

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

    /** Reads what is there without the proxy. */
    const acme = async () => direct.clients.get('acme');
    const works = (call: () => Promise<unknown>) =>
      until(
        () =>
          call()
            .then(() => true)
            .catch(() => false),
        { withinMs: RECOVERY_MS, what: 'the store to be back' },
      );

    beforeEach(async () => {
      proxy = await TcpProxy.start(database.port);
      direct = await backend.stores({ name: 'clients', port: database.port, timeoutMs: 5000 });
      through = await backend.stores({ name: 'clients', port: proxy.port, timeoutMs: TIMEOUT_MS });
      store = through.clients;
      await store.link('did:key:a', 'acme');
    });
    afterEach(async () => {
      proxy.heal();
      await Promise.all([direct.end(), through.end()]);
      await proxy.close();
    });

    const calls = Object.entries(CALLS);

    /** Each over a network of its own. */
    const frozen = atOnce(calls, async ([, call]) => {
      const own = await TcpProxy.start(database.port);
      const stores = await backend.stores({ name: 'clients', port: own.port, timeoutMs: TIMEOUT_MS });
      await stores.clients.link('did:key:a', 'acme'); // it is connected
      try {
        own.freeze();
        for (let attempt = 0; attempt < 2; attempt++) {
          const { error, ms } = await timed(call(stores.clients));
          expect(error).toMatchObject({ id: 'CLIENT_STORE_UNAVAILABLE', cause: expect.any(Error) });
          expect(ms).toBeLessThan(TIMEOUT_MS + SLACK_MS);
        }
        own.heal();
        await works(() => call(stores.clients));
      } finally {
        own.heal();
        await stores.end();
        await own.close();
      }
    });

    test.each(calls.map(([name], at) => [name, at] as const))(
      'frozen: %s gives up in time, and works again by itself',
      async (_, at) => {
        await frozen(at);
      },
    );

    test('a batch whose answer got lost is added once, however often it is given again', async () => {
      const before = (await acme())?.keyRequests ?? 0;
      const others = Array.from({ length: 150 }, (_, at) => used(`other-${at}`, { xlinkRequests: 1 }));
      const batch = [used('acme', { keyRequests: 1, failures: { INTERNAL: 1 } }), ...others];
      const counted = (await acme())?.failures['INTERNAL'] ?? 0;
      const other = async () => (await direct.clients.get('other-149'))?.xlinkRequests ?? 0;
      const beforeOther = await other();
      const name = `lost ${backend.name}`;
      proxy.freeze('answers');
      expect((await timed(Promise.resolve(store.add(batch, name)))).error).toMatchObject({
        id: 'CLIENT_STORE_UNAVAILABLE',
      });
      await expect(Promise.resolve(store.add(batch, name))).rejects.toThrow();
      proxy.heal();
      await works(async () => store.add(batch, name));
      await store.add(batch, name);
      expect([(await acme())?.keyRequests, (await acme())?.failures['INTERNAL']]).toEqual([
        before + 1,
        counted + 1,
      ]);
      expect(await other()).toBe(beforeOther + 1);
    });

    test('killed: calls fail in time; after a restart it knows everything, and works by itself', async () => {
      await store.setKeyOff('acme', 7);
      await store.add([used('acme', { lastXlinkUse: 9_000 })]);
      const known = await acme();
      await down();
      for (const call of Object.values(CALLS)) {
        const { error, ms } = await timed(call(store));
        expect(error).toMatchObject({ id: 'CLIENT_STORE_UNAVAILABLE' });
        expect(ms).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      }
      await up();
      await works(async () => store.get('acme'));
      expect(await store.get('acme')).toEqual(known);
      expect(await store.clientOf('did:key:a')).toBe('acme');
    });

    test('three ledgers write through cuts, frozen answers and crashes: the sums are exact', async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const random = seeded(seed);
      const proxies = await Promise.all([1, 2, 3].map(() => TcpProxy.start(database.port)));
      const instances = await Promise.all(
        proxies.map(({ port }) => backend.stores({ name: 'clients', port, timeoutMs: 60 })),
      );
      let faults = 0;
      const ledgers = instances.map(
        ({ clients }) =>
          new ClientLedger(clients, { clock: Date.now, flushMs: 20, onFault: () => void (faults += 1) }),
      );
      const name = (at: number) => `${backend.name} ${seed} ${at}`;
      const expected = Array.from({ length: 5 }, () => 0);
      try {
        for (let round = 0; round < 120; round++) {
          for (const ledger of ledgers) {
            const at = Math.floor(random() * 5);
            ledger.keyUsed(name(at));
            expected[at]! += 1;
          }
          const [dice, victim] = [random(), proxies[Math.floor(random() * 3)]!];
          if (round === 60) {
            await down();
            await up();
          } else if (dice < 0.1) {
            victim.cut();
            setTimeout(() => victim.heal(), 30 * random());
          } else if (dice < 0.3) {
            victim.freeze(dice < 0.15 ? 'both' : 'answers');
            setTimeout(() => victim.heal(), 100 * random());
          }
          await new Promise((resolve) => setTimeout(resolve, 10 * random()));
        }
        for (const one of proxies) one.heal();
        for (const ledger of ledgers) {
          await until(
            async () => {
              const before = faults;
              await ledger.flush();
              return faults === before;
            },
            { withinMs: 10_000, what: 'the ledger to be written' },
          );
        }
        await works(async () => direct.clients.get(name(0))); // it has seen the crash, too
        const counted = await Promise.all(
          expected.map(async (_, at) => (await direct.clients.get(name(at)))?.keyRequests),
        );
        expect({ seed, counted }).toEqual({ seed, counted: expected });
        expect(faults).toBeGreaterThan(0);
        process.stdout.write(
          `${backend.name}: 360 requests, ${faults} failed writes, exact (seed ${seed})\n`,
        );
      } finally {
        for (const one of proxies) one.heal();
        await Promise.all(instances.map(({ end }) => end()));
        await Promise.all(proxies.map((one) => one.close()));
      }
    }, 60_000);
  });
}

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
