import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type NonceUse, RedisNonceStore } from '@private.me/xlink';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { thrownBy } from '../../support/results.js';
import { until } from '../../support/until.js';
import {
  BUCKETS,
  CLIENTS,
  COLD_START,
  fakeClient,
  idOrValue,
  keyOf,
  MARKER,
  markerOf,
  newUse,
  storeOn,
  TTL_MS,
  trues,
  useOfNow,
  verified,
} from './nonce-clients.js';

/** As an agent asks. */
const accepts = async (nonces: RedisNonceStore, use: NonceUse) =>
  !(await nonces.seen(use)) && nonces.claim(use, TTL_MS);

/** Also after it had to connect again. */
const serves = (nonces: RedisNonceStore) => until(() => accepts(nonces, useOfNow()).catch(() => false));

const markersOn = async (server: RedisServer) =>
  (await server.cli('KEYS', 'nonce:{?}since')).split('\n').filter(Boolean).length;

describeWithRedis('a Redis that comes without what it had', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  beforeEach(async () => {
    if (!server.running) await server.restart();
    await server.cli('FLUSHALL');
  });
  afterAll(() => server.stop());

  /** Dates the marker of a use, and leaves what else it says. */
  async function dateMarker(use: NonceUse, since: number) {
    const marker = await server.cli('GET', markerOf(use));
    await server.cli('SET', markerOf(use), marker.replace(/^\d+/, String(since)));
  }

  const losses: [string, () => unknown][] = [
    ['killed and restarted without persistence', () => server.restart()],
    ['flushed', () => server.cli('FLUSHALL')],
  ];

  describe.each(CLIENTS)('$name', ({ begin, connect }) => {
    /** A store whose buckets all remember. */
    async function established() {
      const nonces = storeOn(await connect(server.port));
      await until(async () => (await markersOn(server)) === BUCKETS);
      return nonces;
    }

    test.each(losses)(
      '%s: what was accepted before is refused by all, what is new is not',
      async (_, lose) => {
        const [one, other] = [await established(), await established()];
        const uses = Array.from({ length: 100 }, () => useOfNow());
        expect(trues(await Promise.all(uses.map((use) => accepts(one, use))))).toBe(100);
        await lose();
        await serves(other);
        for (const nonces of [other, one, storeOn(await connect(server.port))]) {
          await serves(nonces);
          const seen = await Promise.all(uses.map((use) => idOrValue(nonces.seen(use))));
          expect(new Set(seen)).toEqual(new Set([COLD_START]));
        }
        const claimed = await Promise.all(uses.map((use) => idOrValue(other.claim(use, TTL_MS))));
        expect(new Set(claimed)).toEqual(new Set([COLD_START]));
        expect(trues(await Promise.all(uses.map((use) => one.claim(use, TTL_MS))))).toBe(0);
      },
    );

    test.each(losses)('%s: one envelope is refused, and not one for each bucket', async (_, lose) => {
      const nonces = await established();
      await lose();
      const early = useOfNow();
      await until(async () => (await idOrValue(nonces.seen(early))) === COLD_START);
      await until(async () => (await markersOn(server)) === BUCKETS);
      const uses = Array.from({ length: 300 }, () => useOfNow());
      expect(trues(await Promise.all(uses.map((use) => accepts(nonces, use))))).toBe(300);
    });

    test('lost between the question and the claim: the claim does not count', async () => {
      const nonces = await established();
      const use = useOfNow();
      expect(await nonces.seen(use)).toBe(false);
      await server.cli('FLUSHALL');
      expect(await idOrValue(nonces.claim(use, TTL_MS))).toBe(COLD_START);
      expect(await server.cli('EXISTS', keyOf(use))).toBe('1');
      await until(async () => (await markersOn(server)) === BUCKETS);
      expect(await accepts(nonces, useOfNow())).toBe(true);
    });

    test('lost in between, and another instance has noticed already', async () => {
      const [one, other] = [await established(), await established()];
      const use = useOfNow();
      expect(await one.seen(use)).toBe(false);
      await server.cli('FLUSHALL');
      await serves(other);
      expect(await idOrValue(one.claim(use, TTL_MS))).toBe(COLD_START);
    });

    test('the first envelope of all is accepted, if it was made after the store', async () => {
      const nonces = await established();
      expect(await accepts(nonces, useOfNow())).toBe(true);
    });

    test('so it is if the store was there before the connection', async () => {
      await server.kill();
      const nonces = storeOn(begin(server.port));
      await server.restart();
      await until(async () => (await markersOn(server)) === BUCKETS); // nobody asked anything
      expect(await accepts(nonces, useOfNow())).toBe(true);
    });

    test('instances that come later change nothing', async () => {
      const nonces = await established();
      const [before, use] = [useOfNow(), useOfNow()];
      expect(await accepts(nonces, use)).toBe(true);
      const later = await established();
      expect([await later.seen(use), await later.claim(use, TTL_MS)]).toEqual([true, false]);
      expect(await accepts(later, before)).toBe(true);
    });

    test('services with prefixes of their own do not vouch for each other', async () => {
      await established();
      const use = useOfNow();
      const apart = storeOn(await connect(server.port), { keyPrefix: 'b:' });
      expect(await idOrValue(apart.seen(use))).toBe(COLD_START);
      expect(await accepts(await established(), use)).toBe(true);
    });

    test('a marker is of a time: what was made in that very ms, or before, is refused', async () => {
      const use = useOfNow();
      const nonces = await established();
      await dateMarker(use, use.timestamp);
      expect(await idOrValue(nonces.seen(use))).toBe(COLD_START);
      expect(await idOrValue(nonces.claim(use, TTL_MS))).toBe(COLD_START);
      await dateMarker(use, use.timestamp - 1);
      expect(await nonces.claim(newUse({ nonce: use.nonce }), TTL_MS)).toBe(false); // taken, though it did not count
      expect(await nonces.seen(use)).toBe(true);
    });

    test('a marker that is no time, or of another server, is dated anew', async () => {
      const nonces = await established();
      for (const spoilt of ['yesterday', '', '-1', '1', `1 ${'0'.repeat(40)} ${'0'.repeat(40)} 0`]) {
        const use = useOfNow();
        await server.cli('SET', markerOf(use), spoilt);
        expect(await idOrValue(nonces.claim(use, TTL_MS))).toBe(COLD_START);
        expect(await nonces.claim(newUse({ nonce: use.nonce, sender: use.recipient }), TTL_MS)).toBe(true);
      }
    });

    test('a marker that is no text: nothing is accepted', async () => {
      const nonces = await established();
      const use = useOfNow();
      await server.cli('DEL', markerOf(use));
      await server.cli('RPUSH', markerOf(use), '1');
      for (const call of [() => nonces.seen(use), () => nonces.claim(use, TTL_MS)])
        expect(await thrownBy(call)).toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE', status: 503 });
    });

    test('[E14] dated far ahead, as by a Redis whose clock was, all is refused until the markers are deleted', async () => {
      const nonces = await established();
      const use = useOfNow();
      await dateMarker(use, Date.now() + 3_600_000);
      const { id, hint } = await thrownBy(() => nonces.claim(use, TTL_MS));
      expect([id, hint]).toEqual([COLD_START, expect.stringContaining('clock')]);
      await server.cli('EVAL', "return redis.call('DEL', unpack(redis.call('KEYS', 'nonce:{?}since')))", '0');
      await serves(nonces);
    });

    test('markers that cannot be set: refused, and nobody is left with a rejection', async () => {
      const unhandled: unknown[] = [];
      const listen = (reason: unknown) => unhandled.push(reason);
      process.on('unhandledRejection', listen);
      await server.cli('ACL', 'SETUSER', 'default', '-set');
      try {
        const nonces = storeOn(await connect(server.port));
        for (let nth = 0; nth < 3; nth++)
          expect(await idOrValue(nonces.seen(useOfNow()))).toBe('NONCE_STORE_UNAVAILABLE');
        expect(await markersOn(server)).toBe(0);
        await server.cli('ACL', 'SETUSER', 'default', '+set');
        expect(await idOrValue(nonces.seen(useOfNow()))).toBe(COLD_START);
        await until(async () => (await markersOn(server)) === BUCKETS);
        expect(await accepts(nonces, useOfNow())).toBe(true);
        expect(unhandled).toEqual([]);
      } finally {
        process.off('unhandledRejection', listen);
        await server.cli('ACL', 'SETUSER', 'default', '+@all');
      }
    });

    /** A known limit, as documented: should this fail, the documentation must change. */
    test('not noticed: what a fast clock dated ahead, until that time', async () => {
      const nonces = await established();
      const use = newUse({ timestamp: Date.now() + 20_000 });
      expect(await accepts(nonces, use)).toBe(true);
      await server.cli('FLUSHALL');
      expect(await accepts(nonces, use)).toBe(true);
      expect(await nonces.seen(use)).toBe(true);
    });
  });
});

/** Which of two commands Redis was given first cannot be seen from outside, so clients are asked that remember. */
describe('the marker is read after the claim', () => {
  function remembering(extra: object) {
    const said: string[] = [];
    const told = (command: string, reply?: unknown) => async (key: string, name: string) => {
      said.push(`${command} ${key.endsWith('since') ? 'marker' : 'nonce'}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      said.push(`answered ${command}`);
      return reply ?? name;
    };
    const replies = {
      EVAL: told('EVAL', verified(MARKER)),
      CLAIM: told('CLAIM'),
      GET: told('GET', MARKER),
    };
    return { said, nonces: new RedisNonceStore({ client: fakeClient(replies, extra), onWarning: () => {} }) };
  }
  const lately = (said: string[], count: number) => said.slice(-count);

  test.each([
    ['ioredis', { status: 'ready' }],
    ['node-redis', { isOpen: true, isReady: true }],
  ])('%s: at once, over its one connection', async (_, extra) => {
    const { said, nonces } = remembering(extra);
    await until(() => said.length === 2 * BUCKETS);
    await nonces.claim(newUse(), TTL_MS);
    expect(lately(said, 4)).toEqual(['CLAIM nonce', 'GET marker', 'answered CLAIM', 'answered GET']);
  });

  test.each([
    ['a pool', { isOpen: true, execute: async () => {} }],
    ['a sentinel', { isOpen: true, isReady: true, use: async () => {} }],
  ])('%s, which has several: verified, when the claim is answered', async (_, extra) => {
    const { said, nonces } = remembering(extra);
    await until(() => said.length === 2 * BUCKETS);
    await nonces.claim(newUse(), TTL_MS);
    expect(lately(said, 4)).toEqual(['CLAIM nonce', 'answered CLAIM', 'EVAL marker', 'answered EVAL']);
  });

  test('a client that is not connected yet is not made to connect', async () => {
    const { said } = remembering({ status: 'wait' });
    const closed = remembering({ isOpen: false, isReady: false });
    await setImmediate();
    expect([said, closed.said]).toEqual([[], []]);
  });
});
