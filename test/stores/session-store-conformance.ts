import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { LeafStore, SequenceStore, SequenceUse, TicketKeyStore } from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { until } from '../support/until.js';

/** An empty place for one test. */
export interface Opened<T> {
  /** Another connection to the same place, as each instance of an API has one. Closed by `close`. */
  store(): Promise<T>;
  close(): Promise<void>;
}

const TTL_MS = 61_000;
const INSTANCES = 4;
const RACERS = 50;

const [sender, other] = await Promise.all(
  ['caller', 'other'].map(async (name) => (await identityOf(name)).did),
);
export const newSession = () => ({ sender: sender!, sid: randomBytes(16).toString('base64url') });

/** A number of a session that is claimed now, dated ahead of the clock of a store that has only just begun. */
export const useOf = (session = newSession(), seq = 0): SequenceUse => ({
  ...session,
  seq,
  timestamp: Date.now() + 10_000,
});

/** What is true of every store of numbers. */
export function describeSequenceStore(name: string, open: () => Promise<Opened<SequenceStore>>): void {
  describe(name, () => {
    let opened: Opened<SequenceStore>;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    test('a number is claimed once, at whichever connection', async () => {
      const [one, two] = [await opened.store(), await opened.store()];
      const use = useOf();
      expect(await one.claimSequence(use, TTL_MS)).toBe(true);
      for (const store of [one, two]) expect(await store.claimSequence(use, TTL_MS)).toBe(false);
    });

    test('numbers, sessions and senders are told apart', async () => {
      const store = await opened.store();
      const session = newSession();
      const uses = [
        ...[0, 1, 7, 8, 1023, 1024, 65_535].map((seq) => useOf(session, seq)),
        useOf(newSession(), 0),
        useOf({ ...session, sender: other! }, 0),
      ];
      for (const use of uses) expect(await store.claimSequence(use, TTL_MS)).toBe(true);
      for (const use of uses) expect(await store.claimSequence(use, TTL_MS)).toBe(false);
    });

    test(`of ${RACERS} racers at ${INSTANCES} connections one wins, each time`, async () => {
      const stores = await Promise.all(Array.from({ length: INSTANCES }, () => opened.store()));
      const session = newSession();
      for (let seq = 0; seq < 10; seq++) {
        const use = useOf(session, seq);
        const racers = Array.from({ length: RACERS }, (_, at) =>
          stores[at % INSTANCES]!.claimSequence(use, TTL_MS),
        );
        expect((await Promise.all(racers)).filter(Boolean)).toHaveLength(1);
      }
    });

    test('all numbers of a block at once are each claimed', async () => {
      const stores = await Promise.all(Array.from({ length: INSTANCES }, () => opened.store()));
      const session = newSession();
      const claims = Array.from({ length: 1024 }, (_, seq) =>
        stores[seq % INSTANCES]!.claimSequence(useOf(session, seq), TTL_MS),
      );
      expect((await Promise.all(claims)).every(Boolean)).toBe(true);
    });

    test('what was made before it began to remember is refused', async () => {
      const store = await opened.store();
      const old = { ...useOf(), timestamp: Date.now() - 3_600_000 };
      const refused = (async () => store.claimSequence(old, TTL_MS))();
      await expect(refused).rejects.toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE:COLD_START' });
    });
  });
}

/** What is true of every store of ticket keys. */
export function describeTicketKeyStore(name: string, open: () => Promise<Opened<TicketKeyStore>>): void {
  describe(name, () => {
    let opened: Opened<TicketKeyStore>;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    test('keeps the first, and says so to all others', async () => {
      const [one, two] = [await opened.store(), await opened.store()];
      expect(await one.read('did:key:z6Mk:1')).toBeUndefined();
      expect(await one.keep('did:key:z6Mk:1', 'first', TTL_MS)).toBe('first');
      expect(await two.keep('did:key:z6Mk:1', 'second', TTL_MS)).toBe('first');
      expect(await two.read('did:key:z6Mk:1')).toBe('first');
      expect(await two.keep('did:key:z6Mk:2', 'next', TTL_MS)).toBe('next');
    });

    test(`of ${RACERS} that are kept at once at ${INSTANCES} connections, all are told the same`, async () => {
      const stores = await Promise.all(Array.from({ length: INSTANCES }, () => opened.store()));
      for (let slot = 0; slot < 5; slot++) {
        const kept = await Promise.all(
          Array.from({ length: RACERS }, (_, at) =>
            stores[at % INSTANCES]!.keep(`slot:${slot}`, `key ${at}`, TTL_MS),
          ),
        );
        expect(new Set(kept).size).toBe(1);
        expect(await stores[0]!.read(`slot:${slot}`)).toBe(kept[0]);
      }
    });

    test('what is over is gone, and another one may be kept', async () => {
      const store = await opened.store();
      await store.keep('slot', 'old', 50);
      await until(async () => (await store.read('slot')) === undefined);
      expect(await store.keep('slot', 'new', TTL_MS)).toBe('new');
      await store.keep('other', 'old', 1);
      await until(async () => (await store.keep('other', 'new', TTL_MS)) === 'new');
    });
  });
}

/** What is true of every store of leaves. */
export function describeLeafStore(name: string, open: () => Promise<Opened<LeafStore>>): void {
  describe(name, () => {
    let opened: Opened<LeafStore>;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());
    const leafOf = (seed: string) => Buffer.from(seed.padEnd(32, '.')).toString('base64url');

    test('what one connection kept is taken at another, once, in order', async () => {
      const [one, two] = [await opened.store(), await opened.store()];
      const { sid } = newSession();
      const leaves = [3, 0, 255, 256].map((seq) => ({ sid, seq, leaf: leafOf(`leaf ${seq}`) }));
      for (const leaf of leaves) await one.keep(leaf);
      const sorted = [...leaves].sort((a, b) => a.seq - b.seq);
      expect(await two.take(sid, 0, 256)).toEqual(sorted.slice(0, 3));
      expect(await one.take(sid, 0, 256)).toEqual([]);
      expect(await one.take(sid, 256, 257)).toEqual(sorted.slice(3));
    });

    test('what is kept again, with its answer, takes the place of the first', async () => {
      const store = await opened.store();
      const { sid } = newSession();
      await store.keep({ sid, seq: 1, leaf: leafOf('first') });
      const whole = {
        sid,
        seq: 1,
        leaf: leafOf('first'),
        answered: leafOf('both'),
        answer: leafOf('answer'),
      };
      await store.keep(whole);
      expect(await store.take(sid, 1, 2)).toEqual([whole]);
    });

    test('sessions are told apart, and nothing is nothing', async () => {
      const store = await opened.store();
      const [one, other] = [newSession(), newSession()];
      await store.keep({ sid: one.sid, seq: 0, leaf: leafOf('a') });
      expect(await store.take(other.sid, 0, 10)).toEqual([]);
      expect(await store.take(one.sid, 0, 0)).toEqual([]);
      expect(await store.take(one.sid, 0, 1)).toHaveLength(1);
    });

    test(`of ${RACERS} that take at once at ${INSTANCES} connections one gets each leaf`, async () => {
      const stores = await Promise.all(Array.from({ length: INSTANCES }, () => opened.store()));
      const { sid } = newSession();
      await Promise.all(
        Array.from({ length: 64 }, (_, seq) =>
          stores[seq % INSTANCES]!.keep({ sid, seq, leaf: leafOf(`${seq}`) }),
        ),
      );
      const taken = await Promise.all(
        Array.from({ length: RACERS }, async (_, at) => stores[at % INSTANCES]!.take(sid, 0, 64)),
      );
      expect(
        taken
          .flat()
          .map(({ seq }) => seq)
          .sort((a, b) => a - b),
      ).toEqual(Array.from({ length: 64 }, (_, seq) => seq));
    });
  });
}
