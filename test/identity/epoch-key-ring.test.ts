import { beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryKeyStore } from '@private.me/xlink';
import { type FrozenClock, frozenClock, NOON, SECOND } from '../support/clock.js';
import { thrownBy } from '../support/results.js';
import {
  answerIsLost,
  DAY,
  FaultyKeyStore,
  HOUR,
  isDown,
  LATE_MS,
  LIFE_MS,
  MINUTE,
  numberOf,
  OVERLAP_MS,
  ROTATION_MS,
  ringOver,
} from './epoch-rings.js';

let clock: FrozenClock;
let memory: MemoryKeyStore;
let store: FaultyKeyStore;
beforeEach(() => {
  clock = frozenClock();
  memory = new MemoryKeyStore();
  store = new FaultyKeyStore(memory);
});
const stored = () => memory.load()!.value;
const ids = () => memory.wrappingKeys.ids() as readonly string[];
const errorOf = (call: () => Promise<unknown>) => thrownBy(call);
const other = async () => ringOver(memory, clock);

describe('the schedule', () => {
  test('an epoch is the published one for 7 days, good for one more, and found until nothing sealed to it can come any more', async () => {
    const ring = await ringOver(store, clock);
    const first = await ring.current();
    expect(first).toMatchObject({ keyEpoch: 1, notBefore: NOON, notAfter: NOON + ROTATION_MS + OVERLAP_MS });
    expect(ring.status).toEqual({ keyEpoch: 1, since: NOON, rotatesAt: NOON + ROTATION_MS });
    clock.advance(ROTATION_MS - 1);
    expect(await numberOf(ring.current())).toBe(1);
    clock.advance(1);
    expect(await numberOf(ring.current())).toBe(2);
    clock.set(NOON + LIFE_MS);
    expect(await ring.find(1)).toBe(first);
    clock.advance(1);
    expect(await ring.find(1)).toBeUndefined();
    await ring.maintain();
    expect(stored().epochs.map(({ keyEpoch }) => keyEpoch)).toEqual([2]);
    expect(ids()).toEqual([stored().epochs[0]!.wrappingKey]);
  });

  test('the derived keys end once there is a store, also after a restart', async () => {
    const ring = await ringOver(store, clock);
    expect(await ring.find(0)).toMatchObject({ keyEpoch: 0 }); // before anything was published
    clock.advance(OVERLAP_MS + LATE_MS);
    expect(await ring.find(0)).toBeDefined();
    expect(await (await other()).find(0)).toBeDefined();
    clock.advance(1);
    expect(await ring.find(0)).toBeUndefined();
    expect(await (await other()).find(0)).toBeUndefined();
  });

  test('who was away for long rotates at once, and erases what is over', async () => {
    await (await ringOver(store, clock)).current();
    clock.advance(30 * DAY);
    expect(await numberOf((await ringOver(store, clock)).current())).toBe(2);
    expect([stored().epochs.length, ids().length]).toEqual([1, 1]);
  });

  test('traffic alone rotates and erases', async () => {
    const ring = await ringOver(store, clock);
    await ring.current();
    clock.advance(LIFE_MS + 1);
    expect(await ring.find(1)).toBeUndefined();
    await ring.maintain();
    expect(ring.status?.keyEpoch).toBe(2);
    expect(ids()).toHaveLength(1);
  });
});

describe('several instances', () => {
  test('twenty that start at once have one epoch; twenty that rotate at once make one more', async () => {
    const rings = await Promise.all(
      Array.from({ length: 20 }, () => ringOver(new FaultyKeyStore(memory), clock)),
    );
    for (const round of [1, 2]) {
      const keys = await Promise.all(rings.map((ring) => ring.current()));
      expect(new Set(keys.map(({ x25519 }) => Buffer.from(x25519.publicKey).toString('hex'))).size).toBe(1);
      expect([stored().epochs.length, ids().length]).toEqual([round, round]);
      clock.advance(ROTATION_MS - 1);
      await Promise.all(rings.map((ring) => ring.current()));
      expect(stored().epochs).toHaveLength(round);
      clock.advance(1);
    }
  });

  test('one that is asked to rotate does so, though another did it unseen an hour ago', async () => {
    const [a, b] = [await ringOver(store, clock), await other()];
    expect(await numberOf(a.current())).toBe(1);
    expect(await numberOf(b.current())).toBe(1);
    clock.advance(HOUR);
    expect(await numberOf(b.rotate())).toBe(2);
    expect(await numberOf(a.rotate())).toBe(3);
  });

  test('keys of another instance are found the moment they are used, however recently the store was read', async () => {
    const [a, b] = [await ringOver(store, clock), await other()];
    await a.current();
    await b.current();
    for (const keyEpoch of [2, 3, 4]) {
      expect(await numberOf(b.rotate())).toBe(keyEpoch);
      const found = await Promise.all(Array.from({ length: 50 }, () => a.find(keyEpoch)));
      expect(new Set(found).size).toBe(1);
      expect(found[0]).toMatchObject({ keyEpoch });
    }
  });

  test('made-up epochs make the store be read once a second, and those below the highest not at all', async () => {
    const ring = await ringOver(store, clock);
    await ring.rotate();
    await ring.rotate();
    store.calls.length = 0;
    const found = await Promise.all(Array.from({ length: 100 }, (_, at) => ring.find(1000 + at)));
    expect(found.every((keys) => keys === undefined)).toBe(true);
    expect(store.calls).toEqual(['load']);
    clock.advance(LIFE_MS + 1);
    await ring.maintain();
    store.calls.length = 0;
    for (const gone of [1, 2, 3]) expect(await ring.find(gone)).toBeUndefined();
    expect(store.calls).toEqual([]);
  });

  test('an erasure of one and a rotation of another at the same time lose nothing', async () => {
    for (let round = 0; round < 20; round++) {
      const place = new MemoryKeyStore();
      const at = frozenClock();
      const [a, b] = await Promise.all([1, 2].map(() => ringOver(new FaultyKeyStore(place), at)));
      await a!.rotate();
      await b!.current();
      at.set(NOON + LIFE_MS - DAY);
      await a!.current();
      at.advance(DAY + 1);
      const [made] = await Promise.all([b!.rotate(), a!.maintain()]);
      const { epochs } = place.load()!.value;
      expect(epochs.map(({ wrappingKey }) => wrappingKey).sort()).toEqual(
        [...(place.wrappingKeys.ids() as readonly string[])].sort(),
      );
      const fresh = await ringOver(place, at);
      expect((await fresh.find(made.keyEpoch))?.x25519.publicKey).toEqual(made.x25519.publicKey);
    }
  });

  test('a rotation is held against what it began with, whatever the instance reads meanwhile', async () => {
    const [a, b] = [await ringOver(store, clock), await other()];
    await a.current();
    await b.current();
    store.faults.put = async (put) => {
      delete store.faults.put;
      await put();
      await b.rotate();
      await a.highest();
    };
    const made = await a.rotate();
    const { epochs, highest } = stored();
    expect(epochs.map(({ keyEpoch }) => keyEpoch)).toEqual([1, made.keyEpoch]);
    expect([highest, ids().length]).toEqual([made.keyEpoch, 2]);
    expect((await b.find(made.keyEpoch))?.x25519.publicKey).toEqual(made.x25519.publicKey);
  });
});

describe('a rotation that is cut off', () => {
  test('before it is saved leaves nothing behind after the next one', async () => {
    const ring = await ringOver(store, clock);
    await ring.current();
    store.faults.save = isDown;
    expect((await errorOf(() => ring.rotate())).id).toBe('KEY_STORE_UNAVAILABLE');
    expect([stored().epochs.length, ids().length]).toEqual([1, 2]);
    delete store.faults.save;
    clock.advance(MINUTE);
    const { keyEpoch } = await (await ringOver(store, clock)).rotate();
    expect(keyEpoch).toBe(3); // what was named once is not named again
    expect([stored().epochs.length, ids().length]).toEqual([2, 2]);
  });

  test('after it was saved is one epoch, and its key is there', async () => {
    const ring = await ringOver(store, clock);
    await ring.current();
    store.faults.save = answerIsLost;
    expect((await errorOf(() => ring.rotate())).id).toBe('KEY_STORE_UNAVAILABLE');
    delete store.faults.save;
    clock.advance(MINUTE);
    expect(await numberOf(ring.current())).toBe(2);
    expect([stored().epochs.length, ids().length]).toEqual([2, 2]);
  });

  test('by a store that writes and says no is taken for what it is', async () => {
    const ring = await ringOver(store, clock);
    await ring.current();
    store.faults.save = async (save) => {
      await save();
      delete store.faults.save;
      return false; // a client that sent it twice hears of the second time
    };
    expect(await numberOf(ring.rotate())).toBe(2);
    expect(await (await other()).find(2)).toBeDefined();
    expect(ids()).toHaveLength(2);
  });

  test('does not destroy the keys that another instance is about to commit', async () => {
    const slow = new FaultyKeyStore(memory);
    const [a, b] = [await ringOver(slow, clock), await ringOver(store, clock)];
    await a.current();
    await b.current();
    let go = () => {};
    slow.faults.save = (save) => {
      delete slow.faults.save;
      return new Promise((resolve) => (go = () => resolve(save())));
    };
    const made = a.rotate();
    while (!slow.calls.includes('save') || ids().length < 2) await new Promise(setImmediate);
    clock.advance(LIFE_MS + 1); // b erases and tidies meanwhile
    await b.maintain();
    go();
    const keys = await made;
    expect(await (await other()).find(keys.keyEpoch)).toBeDefined();
    expect(ids()).toHaveLength(stored().epochs.length);
  });
});

describe('while the store is away', () => {
  const KNOWN = { id: 'KEY_STORE_UNAVAILABLE', status: 503 };

  test('an instance goes on with what it has until that is over, then refuses, and is back by itself', async () => {
    const ring = await ringOver(store, clock);
    await ring.current();
    store.all(isDown);
    for (const ms of [MINUTE, ROTATION_MS, OVERLAP_MS]) {
      clock.set(NOON + ms);
      expect(await numberOf(ring.current())).toBe(1);
      expect(await ring.find(1)).toBeDefined();
    }
    clock.set(NOON + ROTATION_MS + OVERLAP_MS + 1); // nothing is published any more, but what was sealed before counts
    expect(await errorOf(() => ring.current())).toMatchObject(KNOWN);
    expect(await ring.find(1)).toBeDefined();
    clock.set(NOON + LIFE_MS + 1);
    expect(await errorOf(() => ring.find(1))).toMatchObject(KNOWN);
    expect(await errorOf(() => ring.find(2))).toMatchObject(KNOWN);
    store.all(undefined);
    clock.advance(SECOND);
    expect(await ring.find(1)).toBeUndefined();
    expect(await numberOf(ring.current())).toBe(2);
  });

  test('a fresh instance does not start', async () => {
    await (await ringOver(store, clock)).current();
    store.all(isDown);
    const ring = await ringOver(store, clock);
    for (const call of [() => ring.current(), () => ring.find(1), () => ring.find(0), () => ring.rotate()])
      expect(await errorOf(call)).toMatchObject(KNOWN);
    store.all(undefined);
    clock.advance(SECOND);
    expect(await numberOf(ring.current())).toBe(1);
  });

  test('an unknown epoch is not called unknown: the sender may be right', async () => {
    const ring = await ringOver(store, clock);
    await ring.current();
    store.all(isDown);
    clock.advance(MINUTE);
    expect(await errorOf(() => ring.find(2))).toMatchObject(KNOWN);
  });

  test('it is asked once a second, not by every request', async () => {
    const ring = await ringOver(store, clock);
    await ring.current();
    store.all(isDown);
    clock.advance(MINUTE);
    store.calls.length = 0;
    for (let request = 0; request < 50; request++) await errorOf(() => ring.find(2));
    expect(store.calls).toEqual(['load']);
  });

  test('keys are forgotten at the deadline', async () => {
    const ring = await ringOver(store, clock);
    await ring.current();
    store.all(isDown);
    clock.advance(LIFE_MS + 1);
    await errorOf(() => ring.maintain());
    clock.set(NOON); // whatever the clock says later
    expect(await errorOf(() => ring.find(1))).toMatchObject(KNOWN);
  });
});

describe('a store that is not what it was', () => {
  test('behind what was published does not start, and is not written to', async () => {
    const published = async () => 1;
    const ring = await ringOver(store, clock, { published });
    for (const call of [() => ring.current(), () => ring.find(0), () => ring.rotate()])
      expect((await errorOf(call)).id).toBe('KEY_STORE_ROLLED_BACK');
    expect([memory.load(), ids()]).toEqual([undefined, []]);
  });

  test('restored under a running instance is refused; the keys it holds go on', async () => {
    let isRestored = false;
    const ring = await ringOver(store, clock);
    await ring.current();
    const before = memory.load();
    await ring.rotate();
    store.faults.load = (load) => (isRestored ? before : load());
    isRestored = true;
    clock.advance(MINUTE);
    expect((await errorOf(() => ring.rotate())).id).toBe('KEY_STORE_ROLLED_BACK');
    expect((await errorOf(() => ring.find(3))).id).toBe('KEY_STORE_ROLLED_BACK');
    expect(await numberOf(ring.current())).toBe(2);
  });

  test.each(['keyEpoch', 'recordEpoch', 'notBefore', 'notAfter', 'eraseAfter'] as const)(
    'with another %s does not open',
    async (member) => {
      await (await ringOver(store, clock)).current();
      const { value, version } = memory.load()!;
      const [epoch] = value.epochs;
      const changed = { ...epoch!, [member]: epoch![member] + 1 };
      memory.save({ ...value, highest: 2, epochs: [changed] }, version);
      const ring = await ringOver(store, clock);
      expect((await errorOf(() => ring.current())).id).toBe('KEY_STORE_DAMAGED');
    },
  );

  test('of another identity is neither opened nor written to', async () => {
    await (await ringOver(store, clock)).current();
    const before = memory.load();
    clock.advance(LIFE_MS + 1); // a rotation is due
    const ring = await ringOver(store, clock, { name: 'somebody else' });
    for (const call of [() => ring.current(), () => ring.rotate(), () => ring.maintain()])
      expect((await errorOf(call)).id).toBe('KEY_STORE_DAMAGED');
    expect(memory.load()).toBe(before);
    expect(ids()).toHaveLength(1);
  });

  test('without the wrapping key is damaged; a rotation makes new keys', async () => {
    await (await ringOver(store, clock)).current();
    await memory.wrappingKeys.destroy(ids()[0]!);
    const ring = await ringOver(store, clock);
    expect((await errorOf(() => ring.find(1))).id).toBe('KEY_STORE_DAMAGED');
    clock.advance(SECOND);
    expect(await numberOf(ring.rotate())).toBe(2);
    expect(await (await other()).find(2)).toBeDefined();
  });

  test('wrapping keys of others in the same place stay', async () => {
    const wrappingKeys = memory.wrappingKeys;
    const second = new MemoryKeyStore();
    const stores = [memory, { load: () => second.load(), save: second.save.bind(second), wrappingKeys }];
    const rings = [await ringOver(stores[0]!, clock), await ringOver(stores[1]!, clock, { name: 'b' })];
    for (let round = 0; round < 3; round++) for (const ring of rings) await ring.rotate();
    expect(ids()).toHaveLength(8);
    clock.advance(LIFE_MS + 1);
    await rings[0]!.maintain();
    expect(ids()).toHaveLength(5);
    expect(await numberOf((await ringOver(stores[1]!, clock, { name: 'b' })).current())).toBe(5);
  });
});

describe('clocks', () => {
  test('set back, rotations go on, and each record supersedes the one before', async () => {
    const ring = await ringOver(store, clock);
    const first = await ring.current();
    clock.advance(-30 * DAY);
    const second = await ring.rotate();
    const third = await ring.rotate();
    expect(second.recordEpoch).toBeGreaterThan(first.recordEpoch!);
    expect(third.recordEpoch).toBeGreaterThan(second.recordEpoch!);
    expect([second.notBefore, third.keyEpoch]).toEqual([NOON - 30 * DAY, 3]);
    expect(await ring.find(1)).toBe(first);
  });

  test('ahead for a while, an epoch that begins in the future is replaced once the clock is right', async () => {
    const ring = await ringOver(store, clock);
    await ring.current();
    clock.advance(100 * DAY);
    await ring.current();
    clock.set(NOON + HOUR);
    expect(await ring.current()).toMatchObject({ keyEpoch: 3, notBefore: NOON + HOUR });
    expect(await numberOf(ring.current())).toBe(3);
    expect(await ring.find(2)).toBeDefined(); // what was sealed meanwhile is opened
  });

  test('two rotations within a second have records of two epochs', async () => {
    const ring = await ringOver(store, clock);
    const epochs = [await ring.current(), await ring.rotate(), await ring.rotate()];
    expect(new Set(epochs.map(({ recordEpoch }) => recordEpoch)).size).toBe(3);
  });
});
