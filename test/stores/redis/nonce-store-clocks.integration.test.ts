import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { RedisNonceStore, type XlinkWarning } from '@private.me/xlink';
import { scaled } from '../../scale/scale.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { idOf, unwrap } from '../../support/results.js';
import { until } from '../../support/until.js';
import { World } from '../../support/world.js';
import { CLIENTS, markerOf, newUse, quietly, storeOn } from './nonce-clients.js';

const ENVELOPES = scaled(500, 50);
const KEYS_OF_STORE = 'nonce:{?}since';

describeWithRedis('instances whose clocks are apart', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  beforeEach(async () => {
    await server.cli('FLUSHALL');
  });
  afterAll(() => server.stop());

  describe.each(CLIENTS)('$name', ({ connect }) => {
    /** An API with an instance for each clock, and a caller whose clock is right. */
    async function api(offsetsMs: readonly number[]) {
      const world = new World();
      const alice = await world.agent('alice', { clock: Date.now });
      const instances = [];
      for (const offsetMs of offsetsMs) {
        const clock = () => Date.now() + offsetMs;
        const nonceStore = storeOn(await connect(server.port), { clock });
        instances.push(await world.agent('bob', { clock, nonceStore }));
      }
      const { did } = instances[0]!;
      const seal = async () => unwrap(await alice.send({ to: did, payload: 1 })).envelope;
      return { instances, seal };
    }

    test.each([
      ['20 s', [-10_000, 10_000]],
      ['20 s, one of them right', [-20_000, 0]],
      ['30 s', [0, 29_000, -1000]],
    ])(
      '[E14] by %s: nothing is accepted again after FLUSHALL, and new envelopes at once',
      async (_, offsets) => {
        const { instances, seal } = await api(offsets);
        await until(async () => idOf(await instances[0]!.receive(await seal())) === 'ok');
        const sent = await Promise.all(Array.from({ length: ENVELOPES }, seal));
        const receiveAll = async () =>
          Promise.all(
            instances.flatMap((instance) => sent.map(async (each) => idOf(await instance.receive(each)))),
          );
        const first = await receiveAll();
        expect(first.filter((id) => id === 'ok')).toHaveLength(ENVELOPES);
        await server.cli('FLUSHALL');
        for (let round = 0; round < 3; round++)
          expect((await receiveAll()).filter((id) => id === 'ok')).toEqual([]);
        for (const instance of instances)
          await until(async () => idOf(await instance.receive(await seal())) === 'ok', { withinMs: 2000 });
      },
      60_000,
    );

    test('[E14] the first at a new Redis is 20 s fast: envelopes are accepted all the same', async () => {
      const { instances, seal } = await api([20_000, 0]);
      await until(async () => (await server.cli('KEYS', KEYS_OF_STORE)) !== '');
      const ids = [];
      for (const instance of [...instances, ...instances])
        ids.push(idOf(await instance.receive(await seal())));
      expect(ids).toEqual(['ok', 'ok', 'ok', 'ok']);
    });

    test('[E14] what is remembered is dated by Redis, whose clock is warned of if it is another', async () => {
      const client = await connect(server.port);
      const warnings: XlinkWarning[] = [];
      const onWarning = (warning: XlinkWarning) => warnings.push(warning);
      const far = new RedisNonceStore({ client, clock: () => Date.now() + 20_000, onWarning });
      const near = new RedisNonceStore({
        client,
        clock: () => Date.now() + 500,
        keyPrefix: 'b:',
        onWarning: quietly,
      });
      const use = newUse();
      for (let nth = 0; nth < 3; nth++) for (const store of [far, near]) await store.claim(newUse(), 1000);
      await until(async () => (await server.cli('EXISTS', markerOf(use))) === '1');
      const [since] = (await server.cli('GET', markerOf(use))).split(' ');
      expect(Math.abs(Number(since) - Date.now())).toBeLessThan(10_000);
      const told = warnings.filter(({ type }) => type === 'redis-clock-differs');
      expect(told).toEqual([
        { type: 'redis-clock-differs', store: 'RedisNonceStore', aheadMs: expect.any(Number) },
      ]);
    });
  });
});
