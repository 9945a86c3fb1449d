import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { KeyStore, StoredEpoch, StoredEpochs } from '@private.me/xlink';
import { FaultyKeyStore, LIFE_MS, numberOf, ROTATION_MS, ringOver } from '../identity/epoch-rings.js';
import { identityOf } from '../support/agents.js';
import { type FrozenClock, frozenClock, SECOND } from '../support/clock.js';
import { thrownBy } from '../support/results.js';
import { KEY_BACKENDS, type KeyPlace } from './key-store-backends.js';

// What is true of every store of encryption keys, and of the instances that share it.

const did = (await identityOf('service')).did;
const epoch = (keyEpoch: number, sealed = 'c2VhbGVk'): StoredEpoch => ({
  keyEpoch,
  recordEpoch: 1_764_000_000 + keyEpoch,
  notBefore: 1_764_000_000_000,
  notAfter: 2 ** 52,
  eraseAfter: 2 ** 53 - 1,
  wrappingKey: `tag-of-16-letter.${keyEpoch}.${'r'.repeat(22)}`,
  sealed,
});
const EMPTY: StoredEpochs = { did, epochs: [], highest: 0, derivedUntil: 0 };
const FULL: StoredEpochs = { did, epochs: [epoch(3), epoch(7)], highest: 9, derivedUntil: 2 ** 53 - 1 };

for (const backend of KEY_BACKENDS) {
  backend.describe(backend.name, () => {
    let started: Awaited<ReturnType<typeof backend.start>>;
    let place: KeyPlace;
    let clock: FrozenClock;
    beforeAll(async () => {
      started = await backend.start();
    }, 60_000);
    afterAll(() => started?.stop());
    beforeEach(async () => {
      place = await started.place();
      clock = frozenClock();
    });
    const stores = (count: number): Promise<KeyStore[]> =>
      Promise.all(Array.from({ length: count }, () => place.store()));
    const rings = async (count: number) =>
      Promise.all((await stores(count)).map((store) => ringOver(store, clock)));

    describe('the store', () => {
      test('has nothing at first, and gives back what it got', async () => {
        const [store, other] = await stores(2);
        expect(await store!.load()).toBeUndefined();
        expect(await store!.save(FULL, 0)).toBe(true);
        expect(await other!.load()).toEqual({ value: FULL, version: 1 });
        expect(await other!.save(EMPTY, 1)).toBe(true);
        expect(await store!.load()).toEqual({ value: EMPTY, version: 2 });
      });

      test('writes only over the version that is expected', async () => {
        const [store, other] = await stores(2);
        expect(await store!.save(EMPTY, 1)).toBe(false);
        expect(await store!.save(EMPTY, 0)).toBe(true);
        for (const version of [0, 2]) expect(await other!.save(FULL, version)).toBe(false);
        expect(await other!.load()).toEqual({ value: EMPTY, version: 1 });
      });

      test('of twenty that write at once, one succeeds; so it goes for ten rounds', async () => {
        const all = await stores(4);
        for (let version = 0; version < 10; version++) {
          const won = await Promise.all(
            Array.from({ length: 20 }, async (_, at) =>
              all[at % 4]!.save({ ...EMPTY, derivedUntil: at }, version),
            ),
          );
          expect(won.filter(Boolean)).toHaveLength(1);
          expect(await all[0]!.load()).toMatchObject({
            version: version + 1,
            value: { derivedUntil: won.indexOf(true) },
          });
        }
      });

      test('holds a hundred epochs', async () => {
        const [store, other] = await stores(2);
        const epochs = Array.from({ length: 100 }, (_, at) => epoch(at + 1, 'A'.repeat(150)));
        await store!.save({ ...EMPTY, epochs, highest: 100 }, 0);
        expect((await other!.load())?.value.epochs).toEqual(epochs);
      });

      test('something else in its place is damage, not keys', async () => {
        const [ring] = await rings(1);
        await ring!.current();
        await place.damage();
        const [late] = await rings(1);
        expect((await thrownBy(() => late!.current())).id).toBe('KEY_STORE_DAMAGED');
        clock.advance(SECOND);
        expect((await thrownBy(() => late!.find(1))).id).toBe('KEY_STORE_DAMAGED');
      });
    });

    describe('the wrapping keys', () => {
      const [a, b] = ['tag.1.aaaa', 'tag.2.-_-_'];
      const key = Uint8Array.from({ length: 32 }, (_, at) => at * 8);

      test('are given back, named, and destroyed one by one', async () => {
        const [{ wrappingKeys: one }, { wrappingKeys: other }] = (await stores(2)) as [KeyStore, KeyStore];
        expect([await one.get(a!), await one.ids()]).toEqual([undefined, []]);
        await one.destroy(a!); // none of this name
        await one.put(a!, key);
        await other.put(b!, new Uint8Array(32));
        expect(Buffer.from((await other.get(a!))!).equals(key)).toBe(true);
        expect([...(await other.ids())].sort()).toEqual([a, b]);
        await other.destroy(a!);
        expect([await one.get(a!), await one.ids()]).toEqual([undefined, [b]]);
        expect(await one.get(b!)).toEqual(new Uint8Array(32));
        await one.put(a!, key);
        expect(await other.get(a!)).toEqual(key);
      });

      test('come and go from everywhere at once', async () => {
        const all = (await stores(4)).map(({ wrappingKeys }) => wrappingKeys);
        const names = Array.from({ length: 24 }, (_, at) => `tag.${at + 1}.x`);
        await Promise.all(
          names.map(async (id, at) =>
            all[at % 4]!.put(
              id,
              key.map((byte) => byte ^ at),
            ),
          ),
        );
        await Promise.all(names.map(async (id, at) => at % 2 && all[(at + 1) % 4]!.destroy(id)));
        const left = names.filter((_, at) => at % 2 === 0);
        expect([...(await all[0]!.ids())].sort()).toEqual([...left].sort());
        for (const id of left)
          expect(await all[1]!.get(id)).toEqual(key.map((byte) => byte ^ names.indexOf(id)));
      }, 20_000);
    });

    describe('instances', () => {
      test('that start at once have the same keys; of those that rotate at once, one does', async () => {
        const all = await rings(5);
        for (const round of [1, 2]) {
          const keys = await Promise.all(all.map((ring) => ring.current()));
          const different = new Set(keys.map(({ x25519 }) => Buffer.from(x25519.publicKey).toString('hex')));
          expect(different.size).toBe(1);
          const [store] = await stores(1);
          expect((await store!.load())?.value.epochs).toHaveLength(round);
          clock.advance(ROTATION_MS);
        }
      });

      test('find what another one has just made, and open it after a restart', async () => {
        const [a, b] = await rings(2);
        await b!.current();
        const made = await a!.rotate();
        expect((await b!.find(made.keyEpoch))?.x25519.publicKey).toEqual(made.x25519.publicKey);
        const [later] = await rings(1);
        expect((await later!.find(made.keyEpoch))?.mlKem768?.publicKey).toEqual(made.mlKem768?.publicKey);
      });

      test('of another seed open nothing, and write nothing', async () => {
        const [ring] = await rings(1);
        await ring!.current();
        const [store] = await stores(1);
        const before = await store!.load();
        const thief = await ringOver(store!, clock, { name: 'somebody else' });
        for (const call of [() => thief.current(), () => thief.rotate(), () => thief.maintain()]) {
          expect((await thrownBy(call)).id).toBe('KEY_STORE_DAMAGED');
          clock.advance(LIFE_MS);
        }
        expect(await store!.load()).toEqual(before);
      });

      test('leave no wrapping key of a rotation that was cut off', async () => {
        const [store] = await stores(1);
        const faulty = new FaultyKeyStore(store!);
        const ring = await ringOver(faulty, clock);
        await ring.current();
        faulty.faults.save = () => Promise.reject(new Error('the process ended here'));
        await thrownBy(() => ring.rotate());
        expect(await store!.wrappingKeys.ids()).toHaveLength(2);
        const [next] = await rings(1);
        expect(await numberOf(next!.rotate())).toBe(3);
        expect(await store!.wrappingKeys.ids()).toHaveLength(2);
      });
    });
  });
}
