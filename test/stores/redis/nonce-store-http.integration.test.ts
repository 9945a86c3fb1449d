import { types } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { AgentOptions, DualModeOptions, FaultEvent } from '@private.me/xlink';
import { problemOf, sealedRequest, withKey } from '../../support/http.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';
import { World } from '../../support/world.js';
import { CLIENTS, storeOn, timed } from './nonce-clients.js';

/** Longer than the default: a busy machine alone must not make Redis late. */
const TIMEOUT_MS = 1000;
/** What such a machine may add to the whole request. */
const SLACK_MS = 1500;

const SERVERS = [
  { name: 'Express', serve: (world: World, options: Partial<DualModeOptions> = {}) => world.serve(options) },
  { name: 'Koa', serve: (world: World, options: Partial<DualModeOptions> = {}) => world.serveKoa(options) },
];
const CASES = SERVERS.flatMap((server) => CLIENTS.map((client) => ({ server, client })));

describeWithRedis('an API whose nonces are in Redis', () => {
  let redis: RedisServer;
  let proxy: TcpProxy;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  beforeEach(async () => {
    if (!redis.running) await redis.restart();
    await redis.cli('FLUSHALL');
    proxy = await TcpProxy.start(redis.port);
  });
  afterAll(() => redis.stop());

  describe.each(CASES)('$server.name, $client.name', ({ server, client }) => {
    async function api(port: number, options: AgentOptions = {}) {
      const nonceStore = storeOn(await client.connect(port), { timeoutMs: TIMEOUT_MS });
      const from = await World.withCaller({ nonceStore, ...options });
      from.clock.set(Date.now() + 10_000); // so that a Redis that dates its memory now takes what is sealed
      const service = await server.serve(from, { exposeDetails: true });
      return { from, service };
    }

    async function expectUnavailable({ service, from }: Awaited<ReturnType<typeof api>>) {
      const served = service.calls.length;
      const sent = await sealedRequest(from);
      const { value, ms } = await timed(() => service.send(sent));
      const answer = value as Awaited<ReturnType<typeof service.send>>;
      expect([answer.status, problemOf(answer)['code']]).toEqual([503, 'NONCE_STORE_UNAVAILABLE']);
      expect(answer.headers).toMatchObject({
        'retry-after': '1',
        'access-control-expose-headers': 'Retry-After',
        'cache-control': 'no-store',
        'content-type': 'application/problem+json',
      });
      expect(answer.headers['www-authenticate']).toBeUndefined();
      expect(ms).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      expect(service.calls).toHaveLength(served);
      const { cause } = (service.events.filter(({ type }) => type === 'fault').at(-1) as FaultEvent).error;
      if (!types.isNativeError(cause)) throw new Error('the cause is for the log of the server');
      expect(answer.text).not.toContain(cause.message || cause.name);
      return answer;
    }

    test('takes an envelope once, whichever instance it comes to', async () => {
      const { from, service } = await api(redis.port);
      const other = await api(redis.port);
      const sent = await sealedRequest(from);
      const answers = await Promise.all([service, other.service, service].map((each) => each.send(sent)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
      expect(service.calls.length + other.service.calls.length).toBe(1);
    });

    test('refuses with 503 while Redis is down, says when to try again, and is back by itself', async () => {
      const running = await api(redis.port);
      const { from, service } = running;
      let latest = await sealedRequest(from);
      const isServed = async () => {
        from.clock.set(Date.now());
        latest = await sealedRequest(from);
        return (await service.send(latest)).status === 200;
      };
      await until(isServed);
      const before = await sealedRequest(from);
      await redis.kill();
      for (let nth = 0; nth < 5; nth++) await expectUnavailable(running);
      expect((await service.send(withKey())).status).toBe(200); // keys need no nonces
      await redis.restart();
      const began = performance.now();
      await until(isServed, { withinMs: 2000 });
      expect(performance.now() - began).toBeLessThan(2000);
      expect((await service.send(latest)).status).toBe(409);
      // Each part of the nonces begins anew by itself; what is sealed after that is good.
      const isServedTwentyTimes = async () => {
        for (let nth = 0; nth < 20; nth++) if (!(await isServed())) return false;
        return true;
      };
      await until(isServedTwentyTimes, { withinMs: 2000 });
      const refused = await service.send(before); // Redis came back empty, so nobody knows
      expect([refused.status, problemOf(refused)['subCode']]).toEqual([503, 'COLD_START']);
      expect(refused.headers['retry-after']).toBe('1');
    });

    test('refuses with 503 while the network is frozen, and serves when it thaws', async () => {
      const running = await api(proxy.port);
      const { from, service } = running;
      expect((await service.send(await sealedRequest(from))).status).toBe(200);
      proxy.freeze();
      await expectUnavailable(running);
      await Promise.all(Array.from({ length: 20 }, async () => service.send(await sealedRequest(from)))).then(
        (answers) => expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503])),
      );
      const served = service.calls.length;
      proxy.heal();
      await until(async () => (await service.send(await sealedRequest(from))).status === 200, {
        withinMs: 2000,
      });
      expect(service.calls).toHaveLength(served + 1);
    });

    test('accepts without Redis only where the option with the unsafe name says so', async () => {
      const { from, service } = await api(redis.port, { unsafeAcceptWhenNonceStoreFails: true });
      await redis.kill();
      expect((await service.send(await sealedRequest(from))).status).toBe(200);
    });
  });
});

describe.each(SERVERS)('$name: Retry-After', ({ serve }) => {
  test('is on every 503, whatever is down', async () => {
    const legacyKeyValidator = () => {
      throw new Error('the database of keys is down');
    };
    const service = await serve(new World(), { legacyKeyValidator });
    const answer = await service.send(withKey());
    expect([answer.status, problemOf(answer)['code']]).toEqual([503, 'KEY_VALIDATOR_FAILED']);
    expect(answer.headers).toMatchObject({
      'retry-after': '1',
      'access-control-expose-headers': 'Retry-After',
    });
  });

  test('is on no other answer', async () => {
    const from = await World.withCaller();
    const service = await serve(from);
    const sent = await sealedRequest(from);
    const answers = [
      await service.send(sent),
      await service.send(sent),
      await service.send({}),
      await service.send(withKey()),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 409, 401, 200]);
    for (const { headers } of answers) expect(headers['retry-after']).toBeUndefined();
  });
});
