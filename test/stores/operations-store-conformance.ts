import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DualModeAdapter, MemoryClientStore, type OperationsStore } from '@private.me/xlink';
import { ENROLL_PATH } from '../../src/http/enrollment.js';
import { enrollmentEnvelope } from '../adapters/requests.js';
import { bodyForm } from '../support/http.js';
import { World } from '../support/world.js';

/** An empty place for one test. */
export interface OpenedOperations {
  /** Another connection to the same place, as each instance of an API has one. Closed by `close`. */
  operations(): Promise<OperationsStore>;
  close(): Promise<void>;
}

const TEXT = JSON.stringify({ why: 'é 😀 \u0000 \ud800 "quoted" \\ and / more', list: [1, 2 ** 52] });

/** What is true of every store of operations. */
export function describeOperationsStore(name: string, open: () => Promise<OpenedOperations>): void {
  let opened: OpenedOperations;
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(() => opened.close());

  describe(name, () => {
    test('keeps documents as they are, by kind', async () => {
      const store = await opened.operations();
      expect(await store.load('a/one')).toBeUndefined();
      expect(await store.save('a/one', TEXT, 0)).toBe(true);
      expect(await store.save('a/do/ré "x" {y}', '{}', 0)).toBe(true);
      expect(await store.save('ab/one', '{}', 0)).toBe(true);
      expect(await store.load('a/one')).toEqual({ id: 'a/one', json: TEXT, version: 1 });
      const listed = await store.list('a');
      expect([...listed].sort((x, y) => x.id.localeCompare(y.id))).toEqual([
        { id: 'a/do/ré "x" {y}', json: '{}', version: 1 },
        { id: 'a/one', json: TEXT, version: 1 },
      ]);
      expect(await store.list('b')).toEqual([]);
    });

    test('changes and removes what has the expected version, and nothing else', async () => {
      const store = await opened.operations();
      expect(await store.save('a/one', '1', 1)).toBe(false);
      expect(await store.save('a/one', '1', 0)).toBe(true);
      expect(await store.save('a/one', '1', 0)).toBe(false);
      expect(await store.save('a/one', '2', 1)).toBe(true);
      expect(await store.remove('a/one', 1)).toBe(false);
      expect(await store.load('a/one')).toMatchObject({ json: '2', version: 2 });
      expect(await store.remove('a/one', 2)).toBe(true);
      expect(await store.load('a/one')).toBeUndefined();
      expect(await store.save('a/one', '3', 0)).toBe(true);
    });

    test('of many at once, over two connections, one wins each time', async () => {
      const stores = [await opened.operations(), await opened.operations()];
      for (let version = 0; version < 5; version++) {
        const won = await Promise.all(
          Array.from({ length: 20 }, async (_, at) => stores[at % 2]!.save('a/one', `"${at}"`, version)),
        );
        expect(won.filter(Boolean)).toHaveLength(1);
      }
      expect(await stores[0]!.load('a/one')).toMatchObject({ version: 5 });
    });

    test('an invitation that is used at two instances at once lets one identity in', async () => {
      const world = new World();
      const clients = new MemoryClientStore();
      const api = await world.agent('api');
      const setup = { agent: api, clock: world.clock, clients, mode: 'xlink-only' as const };
      const [one, two] = [
        await world.serve({ ...setup, operations: await opened.operations() }),
        await world.serve({ ...setup, operations: await opened.operations() }),
      ];
      const { invitation } = await one.adapter.invite({ client: 'newco', scopes: ['orders:read'] });
      const devices = await Promise.all(Array.from({ length: 6 }, (_, at) => world.stranger(`device-${at}`)));
      const headers = { 'xlink-invitation': invitation };
      const all = await Promise.all(
        devices.map(async (device) =>
          bodyForm(await enrollmentEnvelope(device, api, invitation), { path: ENROLL_PATH, headers }),
        ),
      );
      const answers = await Promise.all(all.map((sent, at) => (at % 2 === 0 ? one : two).send(sent)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403, 403, 403]);
      expect(clients.get('newco')?.dids).toHaveLength(1);
      expect(await two.adapter.invitations()).toMatchObject([{ state: 'used' }]);
      const later = new DualModeAdapter({
        ...setup,
        legacyKeyValidator: () => null,
        operations: await opened.operations(),
      });
      expect(await later.invitations()).toMatchObject([{ client: 'newco', state: 'used' }]);
    });
  });
}
