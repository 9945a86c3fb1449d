import { expect, test } from '@jest/globals';
import type { TicketKeyStore } from '@private.me/xlink';
import { TicketRing } from '../../src/session/ticket/ring.js';
import { identityOf } from '../support/agents.js';
import { frozenClock } from '../support/clock.js';

const identity = await identityOf('api of sessions');

/** A store that answers when it is told to, or fails. */
function slowStore() {
  const kept = new Map<string, string>();
  let waiting: (() => void)[] = [];
  let reads = 0;
  const store: TicketKeyStore = {
    keep(name, sealed) {
      if (!kept.has(name)) kept.set(name, sealed);
      return kept.get(name)!;
    },
    async read(name) {
      reads += 1;
      await new Promise<void>((resolve) => waiting.push(resolve));
      if (isDown) throw new Error('down');
      return kept.get(name);
    },
  };
  let isDown = false;
  return {
    store,
    kept,
    reads: () => reads,
    fail: () => {
      isDown = true;
    },
    /** Answers what is asked, until nothing more is. */
    async answer() {
      for (let idle = 0; idle < 20; idle++) {
        await new Promise((resolve) => setImmediate(resolve));
        if (waiting.length > 0) idle = 0;
        for (const go of waiting.splice(0)) go();
        waiting = [];
      }
    },
  };
}

async function setUp() {
  const clock = frozenClock();
  const slow = slowStore();
  const ring = () => new TicketRing({ identity, clock, lifetimeMs: 600_000, store: slow.store });
  const ticket = (await ring().current()).id; // a ticket begins with it
  return { clock, slow, ring: ring(), ticket };
}

const outcomes = (finds: Promise<unknown>[]) =>
  Promise.all(
    finds.map((find) =>
      find.then(
        () => 'found',
        (error) => error.id,
      ),
    ),
  );

test('all that name a key while the store is being asked for it get it', async () => {
  const { slow, ring, ticket } = await setUp();
  const finds = outcomes(Array.from({ length: 20 }, () => ring.find(ticket)));
  await slow.answer();
  expect(new Set(await finds)).toEqual(new Set(['found']));
  expect(slow.reads()).toBeLessThan(4); // once for each slot
});

test('if the store fails, they all are told that, and not that there is no such session', async () => {
  const { clock, slow, ring, ticket } = await setUp();
  slow.fail();
  const finds = outcomes(Array.from({ length: 5 }, () => ring.find(ticket)));
  await slow.answer();
  expect(new Set(await finds)).toEqual(new Set(['SESSION_STORE_UNAVAILABLE']));
  const [soon] = await outcomes([ring.find(ticket)]); // not asked again within a second
  expect(soon).toBe('SESSION_STORE_UNAVAILABLE');
  clock.advance(1000);
  const asked = slow.reads();
  const later = outcomes([ring.find(ticket)]);
  await slow.answer();
  await later;
  expect(slow.reads()).toBeGreaterThan(asked);
});

test('a key that nobody has is asked for once a second', async () => {
  const { slow, ring, ticket } = await setUp();
  const other = ticket.map((byte) => byte ^ 1);
  const finds = outcomes(Array.from({ length: 5 }, () => ring.find(other)));
  await slow.answer();
  expect(new Set(await finds)).toEqual(new Set(['SESSION_UNKNOWN']));
  const asked = slow.reads();
  expect(await outcomes([ring.find(other)])).toEqual(['SESSION_UNKNOWN']);
  expect(slow.reads()).toBe(asked);
});
