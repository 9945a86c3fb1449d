import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { RedisClientStore, RedisNonceStore, RedisTrustRegistry } from '@private.me/xlink/redis';
import { sealed } from '../../adapters/requests.js';
import { afterTest } from '../../support/after-test.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { World } from '../../support/world.js';
import { CLIENTS } from './trust-registry-clients.js';

/** Enough that all which is asked at once is under way before the first answer is back. */
const DELAY_MS = 5;
/** Each has a nonce in one of 64 buckets, and what is remembered about a bucket must be checked now and then. */
const REQUESTS = 5;

describeWithRedis('Requests at an API whose stores are in Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  }, 60_000);
  afterAll(() => server?.stop());

  for (const [name, clients] of Object.entries(CLIENTS)) {
    /** An API with its stores behind a slow network, and a caller that reaches them directly. */
    async function made() {
      const proxy = await TcpProxy.start(server.port);
      const [slow, direct] = [
        await clients.one({ host: '127.0.0.1', port: proxy.port }),
        await clients.one({ host: '127.0.0.1', port: server.port }),
      ];
      afterTest(() => {
        for (const { end } of [slow, direct]) end();
      });
      const clock = Date.now; // Redis has a clock of its own
      const onWarning = () => {};
      const world = new World();
      const options = { client: slow.client, keyPrefix: `${name}:trips:`, timeoutMs: 10_000, onWarning };
      const api = await world.agent('api', {
        clock,
        registry: new RedisTrustRegistry(options),
        nonceStore: new RedisNonceStore(options),
      });
      const registry = new RedisTrustRegistry({ ...options, client: direct.client });
      const caller = await world.agent('caller', { clock, registry });
      const store = new RedisClientStore({ ...options, keyPrefix: `${name}:trips:clients:` });
      const service = await world.serve({ agent: api, clock, clients: store });
      /** Round trips of one request. The first one is from before nonces were remembered, or its DID is not known yet. */
      const trips = async () => {
        await service.send(sealed(caller, api));
        await service.accepted(sealed(caller, api));
        proxy.delay(DELAY_MS);
        const before = proxy.roundTrips;
        for (let n = 0; n < REQUESTS; n++) await service.accepted(sealed(caller, api));
        return (proxy.roundTrips - before) / REQUESTS;
      };
      return { caller, store, trips };
    }

    test(`take four round trips: nonce, registry, client, nonce (${name})`, async () => {
      const { caller, store, trips } = await made();
      await store.link(caller.did, 'acme');
      expect(await trips()).toBe(4);
    });
  }
});
