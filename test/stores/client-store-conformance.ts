import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ClientActivity, ClientStore } from '@private.me/xlink';
import { testClientUnits } from './client-store-units.js';

// What is true of every store of clients, wherever it keeps them.

/** An empty store of its own for one test. */
export interface OpenedStore {
  readonly store: ClientStore;
  /** Another connection to the same clients, as another instance of an API has one. Closed by `close`, too. */
  another?(): Promise<ClientStore>;
  close(): Promise<void>;
}

export const used = (client: string, more: Partial<ClientActivity> = {}): ClientActivity => ({
  client,
  keyRequests: 0,
  xlinkRequests: 0,
  failures: {},
  ...more,
});
export const NOTHING = { dids: [], keyRequests: 0, xlinkRequests: 0, failures: {} };

/** No two of them are the same. */
const HOSTILE_NAMES = [
  '',
  ' ',
  'acme',
  'ACME',
  '__proto__',
  'constructor',
  'all',
  'did:"x"',
  '{}',
  '{',
  '}',
  '}{',
  'a}b{c',
  '{acme}',
  '"',
  '\\',
  '\\u0000',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udc00',
  '\ufffd',
  'é',
  'e\u0301',
  '😀 ﷽',
  'a\r\nb',
  '%00',
  '*',
  "'; DROP TABLE xlink_clients; --",
  'x'.repeat(300),
  'x'.repeat(10_000),
  `${'x'.repeat(10_000)}y`,
  '😀'.repeat(5000),
];

export function describeClientStore(
  name: string,
  open: () => Promise<OpenedStore>,
  { remembersBatches = true } = {},
): void {
  describe(`${name}: the rules of every store of clients`, () => {
    let opened: OpenedStore;
    let store: ClientStore;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.close());

    /** Several instances, or this one several times. */
    const instances = (count: number): Promise<ClientStore[]> =>
      Promise.all(Array.from({ length: count }, async () => opened.another?.() ?? store));
    const everybody = async () => [...(await store.list())].sort((a, b) => (a.client < b.client ? -1 : 1));

    test('knows nobody at first', async () => {
      expect([await store.get('acme'), await store.clientOf('did:key:a'), await store.list()]).toEqual([
        undefined,
        undefined,
        [],
      ]);
    });

    test('links a DID to the first client that asks, for good; oldest first', async () => {
      expect(await store.link('did:key:b', 'acme')).toBe('acme');
      expect(await store.link('did:key:b', 'bolt')).toBe('acme');
      expect(await store.link('did:key:b', 'acme')).toBe('acme');
      expect(await store.link('did:key:a', 'acme')).toBe('acme');
      expect(await store.link('did:key:c', 'acme')).toBe('acme');
      expect(await store.clientOf('did:key:a')).toBe('acme');
      expect(await store.get('acme')).toEqual({
        ...NOTHING,
        client: 'acme',
        dids: ['did:key:b', 'did:key:a', 'did:key:c'],
      });
      expect(await store.get('bolt')).toBeUndefined();
      expect(await store.list()).toHaveLength(1);
    });

    test('of many clients that want a DID at once, one gets it, and all are told which', async () => {
      const stores = await instances(4);
      const owners = await Promise.all(
        Array.from({ length: 20 }, (_, at) => stores[at % 4]!.link('did:key:a', `client-${at}`)),
      );
      expect(new Set(owners).size).toBe(1);
      expect(await store.clientOf('did:key:a')).toBe(owners[0]);
      const holders = (await store.list()).filter(({ dids }) => dids.length > 0);
      expect(holders.map(({ client }) => client)).toEqual([owners[0]]);
    });

    test('adds activity to the records of several clients, to some of them twice', async () => {
      await store.link('did:key:a', 'acme');
      await store.add([
        used('acme', { keyRequests: 1, lastKeyUse: 1 }),
        used('bolt', { xlinkRequests: 2, failures: { SCOPE_DENIED: 1, 'DECRYPT_FAILED:PARSE': 4 } }),
      ]);
      await store.add([
        used('acme', { keyRequests: 1, lastKeyUse: 2, lastXlinkUse: 9 }),
        used('acme', { keyRequests: 1, lastFailure: 3 }),
        used('bolt', { failures: { SCOPE_DENIED: 2 } }),
      ]);
      await store.add([]);
      expect(await everybody()).toEqual([
        {
          client: 'acme',
          dids: ['did:key:a'],
          keyRequests: 3,
          xlinkRequests: 0,
          lastKeyUse: 2,
          lastXlinkUse: 9,
          lastFailure: 3,
          failures: {},
        },
        {
          ...NOTHING,
          client: 'bolt',
          xlinkRequests: 2,
          failures: { SCOPE_DENIED: 3, 'DECRYPT_FAILED:PARSE': 4 },
        },
      ]);
    });

    test('adds up the requests that were signed, and says nothing where none were', async () => {
      await store.add([used('acme', { xlinkRequests: 3, signatureRequests: 2 }), used('bolt')]);
      await store.add([used('acme', { xlinkRequests: 1 }), used('bolt', { xlinkRequests: 1 })]);
      await store.add([used('acme', { xlinkRequests: 1, signatureRequests: 1 })]);
      expect(await everybody()).toEqual([
        { ...NOTHING, client: 'acme', xlinkRequests: 5, signatureRequests: 3 },
        { ...NOTHING, client: 'bolt', xlinkRequests: 1 },
      ]);
    });

    test('of two times the later one counts, whichever comes last', async () => {
      const times = { lastKeyUse: 1_764_000_000_001, lastXlinkUse: 1_764_000_000_002, lastFailure: 5 };
      await store.add([used('acme', times)]);
      await store.add([used('acme', { lastKeyUse: 1_764_000_000_000, lastXlinkUse: 1, lastFailure: 0 })]);
      await store.add([used('acme', { keyRequests: 1 })]);
      expect(await store.get('acme')).toEqual({ ...NOTHING, client: 'acme', keyRequests: 1, ...times });
      await store.add([used('acme', { lastKeyUse: 1_764_000_000_009 })]);
      expect((await store.get('acme'))?.lastKeyUse).toBe(1_764_000_000_009);
    });

    test('activity of nothing makes the client known', async () => {
      await store.add([used('acme')]);
      expect(await store.list()).toEqual([{ ...NOTHING, client: 'acme' }]);
    });

    test('counts are exact, however high', async () => {
      const many = 2 ** 52;
      await store.add([used('acme', { keyRequests: many, xlinkRequests: 1, failures: { INTERNAL: many } })]);
      await store.add([used('acme', { keyRequests: 1, xlinkRequests: many, failures: { INTERNAL: 1 } })]);
      expect(await store.get('acme')).toMatchObject({
        keyRequests: many + 1,
        xlinkRequests: many + 1,
        failures: { INTERNAL: many + 1 },
      });
    });

    test('switches a key off and on, and keeps the rest', async () => {
      await store.link('did:key:a', 'acme');
      await store.add([used('acme', { keyRequests: 1, lastKeyUse: 7 })]);
      const before = await store.get('acme');
      await store.setKeyOff('acme', 0);
      expect(await store.get('acme')).toEqual({ ...before, keyOffSince: 0 });
      await store.setKeyOff('acme', 1_764_000_000_000);
      await store.add([used('acme', { keyRequests: 1 })]);
      expect(await store.get('acme')).toMatchObject({ keyOffSince: 1_764_000_000_000, keyRequests: 2 });
      await store.setKeyOff('acme', 5);
      expect((await store.get('acme'))?.keyOffSince).toBe(5);
      await store.setKeyOff('acme', undefined);
      expect(await store.get('acme')).toEqual({ ...before, keyRequests: 2 });
      await store.setKeyOff('bolt', 6);
      expect(await store.get('bolt')).toEqual({ ...NOTHING, client: 'bolt', keyOffSince: 6 });
    });

    test('clients, DIDs and reasons may be called anything', async () => {
      for (const [at, client] of HOSTILE_NAMES.entries()) {
        expect(await store.link(`did:${client}`, client)).toBe(client);
        await store.add(
          [used(client, { keyRequests: at + 1, failures: { [`f${client}`]: 1 } })],
          `b${client}`,
        );
        await store.setKeyOff(client, at);
        await store.setRevoked(client, at);
        await store.link(`did:${client}`, client, { validUntil: at });
      }
      for (const [at, client] of HOSTILE_NAMES.entries()) {
        expect(await store.clientOf(`did:${client}`)).toBe(client);
        expect(await store.get(client)).toEqual({
          ...NOTHING,
          client,
          dids: [`did:${client}`],
          keyRequests: at + 1,
          failures: { [`f${client}`]: 1 },
          keyOffSince: at,
          revokedSince: at,
          validUntil: { [`did:${client}`]: at },
        });
        expect(await store.standingOf(`did:${client}`)).toEqual({ client, revokedSince: at, validUntil: at });
      }
      const names = (await store.list()).map(({ client }) => client);
      expect(names.sort()).toEqual([...HOSTILE_NAMES].sort());
    });

    test('lists thousands', async () => {
      const all = Array.from({ length: 2500 }, (_, at) => used(`client-${at}`, { keyRequests: at }));
      await store.add(all);
      const listed = await store.list();
      expect(listed).toHaveLength(2500);
      expect(new Set(listed.map(({ client }) => client)).size).toBe(2500);
      expect(listed.every(({ client, keyRequests }) => client === `client-${keyRequests}`)).toBe(true);
    });

    test('twenty writers at once: the sums are exact', async () => {
      const stores = await instances(4);
      const rounds = 25;
      await Promise.all(
        Array.from({ length: 20 }, async (_, writer) => {
          const own = stores[writer % 4]!;
          for (let round = 1; round <= rounds; round++) {
            const time = 1000 * round + writer;
            await own.add([
              used('acme', { keyRequests: 1, lastKeyUse: time, failures: { SCOPE_DENIED: writer } }),
              used(`client-${writer % 3}`, { xlinkRequests: round, lastXlinkUse: time }),
              used('bolt', { xlinkRequests: 1, failures: { [`F${round % 2}`]: 1 } }),
            ]);
            if (round === 10) await own.link(`did:key:${writer}`, 'acme');
            if (round === 20) await own.setKeyOff('bolt', writer);
          }
        }),
      );
      const acme = await store.get('acme');
      expect(acme).toMatchObject({
        keyRequests: 20 * rounds,
        lastKeyUse: 1000 * rounds + 19,
        failures: { SCOPE_DENIED: rounds * 190 },
      });
      expect([...acme!.dids].sort()).toEqual(Array.from({ length: 20 }, (_, at) => `did:key:${at}`).sort());
      expect(await store.get('bolt')).toMatchObject({
        xlinkRequests: 20 * rounds,
        failures: { F0: 240, F1: 260 },
        keyOffSince: expect.any(Number),
      });
      const sum = (rounds * (rounds + 1)) / 2;
      for (const [at, writers] of [7, 7, 6].entries())
        expect((await store.get(`client-${at}`))?.xlinkRequests).toBe(writers * sum);
    });

    test('writers that name the same clients in different orders do not stand in the way of each other', async () => {
      const stores = await instances(4);
      const clients = Array.from({ length: 60 }, (_, at) => `client-${at}`);
      await Promise.all(
        Array.from({ length: 8 }, async (_, writer) => {
          for (let round = 0; round < 10; round++) {
            const from = (writer * 23 + round * 17) % 60;
            const inOrder = [...clients.slice(from), ...clients.slice(0, from)];
            if (writer % 2) inOrder.reverse();
            await stores[writer % 4]!.add(inOrder.map((client) => used(client, { keyRequests: 1 })));
          }
        }),
      );
      expect(new Set((await store.list()).map(({ keyRequests }) => keyRequests))).toEqual(new Set([80]));
    });

    test('a record that was handed out does not change', async () => {
      await store.link('did:key:a', 'acme');
      const before = await store.get('acme');
      const copy = structuredClone(before);
      await store.add([used('acme', { keyRequests: 1, failures: { SCOPE_DENIED: 1 } })]);
      await store.link('did:key:b', 'acme');
      await store.setKeyOff('acme', 1);
      expect(before).toEqual(copy);
    });

    testClientUnits(() => store, instances);

    if (!remembersBatches) return;

    test('a batch that is given again adds nothing; the next one does', async () => {
      const batch = [
        used('acme', { keyRequests: 2, failures: { INTERNAL: 1 } }),
        used('bolt', { keyRequests: 1 }),
      ];
      await store.add(batch, 'first');
      await store.add(batch, 'first');
      const [other] = await instances(1);
      await other!.add(batch, 'first');
      expect(await everybody()).toMatchObject([
        { keyRequests: 2, failures: { INTERNAL: 1 } },
        { keyRequests: 1, failures: {} },
      ]);
      await store.add(batch, 'second');
      expect(await everybody()).toMatchObject([{ keyRequests: 4 }, { keyRequests: 2 }]);
    });

    test('a batch that is given twenty times at once adds once', async () => {
      const stores = await instances(4);
      for (let round = 1; round <= 5; round++) {
        const batch = [used('acme', { keyRequests: 1, lastKeyUse: 5 }), used('bolt', { xlinkRequests: 3 })];
        await Promise.all(
          Array.from({ length: 20 }, (_, at) => stores[at % 4]!.add(batch, `batch ${round}`)),
        );
        expect(await everybody()).toMatchObject([
          { keyRequests: round, lastKeyUse: 5 },
          { xlinkRequests: 3 * round },
        ]);
      }
    });
  });
}
