import { setImmediate } from 'node:timers/promises';
import { types } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { MAX_UNANSWERED } from '../../../src/stores/redis/client-state.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { thrownBy } from '../../support/results.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';
import { CLIENTS, idOrValue, keyOf, newUse, storeOn, TTL_MS, timed, trues } from './nonce-clients.js';

const TIMEOUT_MS = 250;
/** What a busy machine may add. */
const SLACK_MS = 500;
const BACK_MS = 2000;

describeWithRedis('when Redis is away', () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  beforeEach(async () => {
    if (!server.running) await server.restart();
    await server.cli('FLUSHALL');
    proxy = await TcpProxy.start(server.port);
  });
  afterAll(() => server.stop());

  const claimsSomething = (store: ReturnType<typeof storeOn>) => async () => {
    try {
      return await store.claim(newUse(), TTL_MS);
    } catch {
      return false;
    }
  };

  describe.each(CLIENTS)('$name', ({ begin, connect }) => {
    const storeAt = async (port: number) => storeOn(await connect(port), { timeoutMs: TIMEOUT_MS });

    test('killed: all that was under way and all that follows fails closed in time', async () => {
      const [store, patient] = [await storeAt(server.port), storeOn(await connect(server.port))];
      const known = newUse();
      await patient.claim(known, TTL_MS);
      await until(claimsSomething(store));
      const calls = [
        () => store.claim(newUse(), TTL_MS),
        () => store.claim(known, TTL_MS),
        () => store.seen(known),
      ];
      const killed = server.kill();
      const failures = [];
      for (let rounds = 0; rounds < 20; ) {
        if (!server.running) rounds += 1;
        // Until the kill has its effect the server may still answer, truly.
        failures.push(...(await Promise.all(calls.map(timed))).filter(({ error }) => error));
        await setImmediate(); // what fails at once gives nobody else a turn
      }
      await killed;
      expect(failures.length).toBeGreaterThanOrEqual(60);
      for (const { error, ms } of failures) {
        expect(error).toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE', status: 503 });
        expect(types.isNativeError(error.cause)).toBe(true); // errors of sockets are not of the test's own class Error
        expect(ms).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      }
    });

    test('back on its port: so is the store, by itself, and nothing that was refused is carried out then', async () => {
      const store = await storeAt(server.port);
      await until(claimsSomething(store));
      await server.kill();
      // What was sent before the client noticed is its own to send again.
      await until(async () =>
        String((await thrownBy(() => store.seen(newUse()))).cause).includes('not connected'),
      );
      const refused = Array.from({ length: 100 }, () => newUse());
      for (const use of refused)
        await expect(store.claim(use, TTL_MS)).rejects.toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE' });
      await server.restart();
      const began = performance.now();
      await until(claimsSomething(store), { withinMs: BACK_MS });
      expect(performance.now() - began).toBeLessThan(BACK_MS);
      const claimed = await Promise.all(refused.map((use) => server.cli('EXISTS', keyOf(use))));
      expect(claimed.filter((answer) => answer !== '0')).toEqual([]);
    });

    test('away from the start: refused at once, until it is there', async () => {
      await server.kill();
      const store = storeOn(begin(server.port), { timeoutMs: 60_000 });
      for (let nth = 0; nth < 5; nth++) {
        const { error, ms } = await timed(() => store.claim(newUse(), TTL_MS));
        expect(error).toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE' });
        expect(ms).toBeLessThan(SLACK_MS);
      }
      await server.restart();
      await until(claimsSomething(store), { withinMs: BACK_MS });
    });

    test('frozen: fails closed in time, and goes on when it thaws', async () => {
      const store = await storeAt(proxy.port);
      await until(claimsSomething(store));
      proxy.freeze();
      for (const call of [() => store.claim(newUse(), TTL_MS), () => store.seen(newUse())]) {
        const { error, ms } = await timed(call);
        expect(error).toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE' });
        expect(String(error.cause)).toContain(`${TIMEOUT_MS} ms`);
        expect(ms).toBeGreaterThanOrEqual(TIMEOUT_MS - 5);
        expect(ms).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      }
      proxy.heal();
      await until(claimsSomething(store), { withinMs: BACK_MS });
    });

    test('frozen for long: what waits for an answer is bounded, and the bound is gone after the thaw', async () => {
      const client = await connect(proxy.port);
      // None of these is overdue before the thaw, however busy the machine: overdue commands close the way by themselves.
      const patient = storeOn(client, { timeoutMs: 60_000 });
      const store = storeOn(client, { timeoutMs: TIMEOUT_MS });
      await until(claimsSomething(store));
      proxy.freeze('answers');
      const waiting = Array.from({ length: MAX_UNANSWERED }, () => idOrValue(patient.seen(newUse())));
      // Their keys are hashed and sent in the order of the calls, so this one comes after all of them.
      const refused = await thrownBy(() => patient.claim(newUse(), TTL_MS));
      expect(refused).toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE' });
      expect(String(refused.cause)).toContain(String(MAX_UNANSWERED));
      await expect(store.seen(newUse())).rejects.toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE' });
      proxy.heal();
      expect(new Set(await Promise.all(waiting))).toEqual(new Set([false]));
      const all = () => Promise.all(Array.from({ length: 100 }, claimsSomething(store)));
      await until(async () => trues(await all()) === 100, { withinMs: 10_000 });
    }, 60_000);

    test('an answer that comes too late accepts nothing: the nonce is burned', async () => {
      const store = await storeAt(proxy.port);
      await until(claimsSomething(store));
      const use = newUse();
      proxy.freeze('answers');
      let settledTo: unknown;
      const claim = store.claim(use, TTL_MS).then(
        (value) => (settledTo = value),
        (error) => (settledTo = error),
      );
      await until(async () => (await server.cli('EXISTS', keyOf(use))) === '1'); // Redis said OK, nobody heard it
      await claim;
      expect(settledTo).toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE' });
      proxy.heal();
      await until(claimsSomething(store), { withinMs: BACK_MS });
      expect(settledTo).toMatchObject({ id: 'NONCE_STORE_UNAVAILABLE' });
      const patient = storeOn(await connect(server.port));
      expect([await patient.seen(use), await patient.claim(use, TTL_MS)]).toEqual([true, false]);
    });

    test('slower than the limit: refused; within it: served', async () => {
      const client = await connect(proxy.port);
      proxy.delay(100);
      await expect(storeOn(client, { timeoutMs: 150 }).claim(newUse(), TTL_MS)).rejects.toMatchObject({
        id: 'NONCE_STORE_UNAVAILABLE',
      });
      expect(await storeOn(client, { timeoutMs: 5000 }).claim(newUse(), TTL_MS)).toBe(true);
    });

    test('cut while a claim is under way: it fails closed, or is found to have it, and the nonce is not accepted afterwards', async () => {
      const store = await storeAt(proxy.port);
      await until(claimsSomething(store));
      const use = newUse();
      proxy.freeze('answers');
      const claim = idOrValue(store.claim(use, TTL_MS));
      await until(async () => (await server.cli('EXISTS', keyOf(use))) === '1');
      proxy.cut();
      proxy.heal();
      // ioredis asks again on its new connection, and is told that the nonce is taken, by this very claim.
      const outcomes: unknown[] = [true, 'NONCE_STORE_UNAVAILABLE'];
      expect(outcomes).toContain(await claim);
      await until(claimsSomething(store), { withinMs: BACK_MS });
      expect(await storeOn(await connect(server.port)).claim(use, TTL_MS)).toBe(false);
    });

    test('no timer is left behind, whatever a call settles to', async () => {
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const long = storeOn(await connect(server.port), { timeoutMs: 60_000 });
      await long.claim(newUse(), TTL_MS);
      const before = timers();
      const use = newUse();
      for (let nth = 0; nth < 50; nth++) await long.claim(use, TTL_MS);
      await server.cli('ACL', 'SETUSER', 'default', '-set');
      try {
        for (let nth = 0; nth < 50; nth++) await thrownBy(() => long.claim(use, TTL_MS));
      } finally {
        await server.cli('ACL', 'SETUSER', 'default', '+@all');
      }
      expect(timers()).toBeLessThan(before + 10);
    });
  });
});
