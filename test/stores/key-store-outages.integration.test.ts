import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type KeyStore, MemoryKeyStore, type WrappingKeyStore } from '@private.me/xlink';
import { PostgresKeyStore, PostgresWrappingKeyStore } from '@private.me/xlink/postgres';
import { RedisKeyStore, RedisWrappingKeyStore } from '@private.me/xlink/redis';
import pg from 'pg';
import { numberOf, ROTATION_MS, ringOver } from '../identity/epoch-rings.js';
import { afterTest } from '../support/after-test.js';
import { identityOf } from '../support/agents.js';
import { frozenClock, SECOND } from '../support/clock.js';
import { describeWithPostgres, PostgresServer } from '../support/postgres-server.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { timed } from './client-store-backends.js';
import { CLIENTS } from './redis/trust-registry-clients.js';

const TIMEOUT_MS = 300;
/** A busy machine is late. */
const SLACK_MS = 1500;
const RECOVERY_MS = 10_000;
const DOWN = { id: 'KEY_STORE_UNAVAILABLE' };

interface Stores {
  readonly keys: KeyStore;
  readonly wrapping: WrappingKeyStore;
}

const redis = (name: string) => ({
  name,
  describe: describeWithRedis,
  start: () => RedisServer.start({ persistent: true }),
  async stores(port: number): Promise<Stores> {
    const { client, end } = await CLIENTS[name]!.one({ host: '127.0.0.1', port });
    afterTest(end);
    const more = { client, timeoutMs: TIMEOUT_MS, onWarning: () => {} };
    const wrapping = new RedisWrappingKeyStore(more);
    return { wrapping, keys: new RedisKeyStore({ ...more, wrappingKeys: wrapping }) };
  },
});

const BACKENDS = [
  redis('ioredis'),
  redis('node-redis'),
  {
    name: 'PostgreSQL',
    describe: describeWithPostgres,
    start: () => PostgresServer.start(),
    async stores(port: number): Promise<Stores> {
      const connection = { host: '127.0.0.1', port, user: 'postgres', database: 'postgres' };
      const pool = new pg.Pool({ ...connection, max: 4, connectionTimeoutMillis: TIMEOUT_MS });
      afterTest(() => pool.end());
      const wrapping = new PostgresWrappingKeyStore({ pool, timeoutMs: TIMEOUT_MS });
      return {
        wrapping,
        keys: new PostgresKeyStore({ pool, timeoutMs: TIMEOUT_MS, wrappingKeys: wrapping }),
      };
    },
  },
] as const;

for (const backend of BACKENDS) {
  backend.describe(`keys in ${backend.name} while it fails`, () => {
    let server: RedisServer | PostgresServer;
    let isDown = false;
    beforeAll(async () => {
      server = await backend.start();
    }, 30_000);
    afterAll(() => server?.stop());
    afterEach(async () => {
      if (isDown) await server.restart(); // clients that cannot connect would try for ever
      isDown = false;
    });

    const succeeds = (call: () => unknown) =>
      until(async () => !(await timed((async () => call())())).error, {
        withinMs: RECOVERY_MS,
        what: 'the store',
      });
    const refuses = async (call: () => unknown) => {
      const { error, ms } = await timed((async () => call())());
      expect(error).toMatchObject(DOWN);
      expect(ms).toBeLessThan(TIMEOUT_MS + SLACK_MS);
    };

    test('down: every call rejects in time; when it is back, all is there', async () => {
      const { keys, wrapping } = await backend.stores(server.port);
      const clock = frozenClock();
      const ring = await ringOver(keys, clock);
      const made = await ring.current();
      const before = await keys.load();
      isDown = true;
      await server.kill();
      const [id] = before!.value.epochs.map(({ wrappingKey }) => wrappingKey);
      await refuses(() => keys.load());
      await refuses(() => keys.save(before!.value, before!.version));
      await refuses(() => wrapping.get(id!));
      await refuses(() => wrapping.put('another', new Uint8Array(32)));
      await refuses(() => wrapping.destroy(id!));
      await refuses(() => wrapping.ids());
      clock.advance(ROTATION_MS);
      expect(await ring.current()).toBe(made);
      await server.restart();
      isDown = false;
      await succeeds(() => keys.load());
      expect(await keys.load()).toEqual(before);
      clock.advance(SECOND);
      expect(await numberOf(ring.current())).toBeGreaterThan(made.keyEpoch);
      const later = await backend.stores(server.port);
      expect((await (await ringOver(later.keys, clock)).find(made.keyEpoch))?.x25519.publicKey).toEqual(
        made.x25519.publicKey,
      );
    }, 60_000);

    test('a change whose answer got lost is one change, and the ring goes on with it', async () => {
      const proxy = await TcpProxy.start(server.port);
      const { keys } = await backend.stores(proxy.port);
      const clock = frozenClock();
      const wrappingKeys = new MemoryKeyStore().wrappingKeys;
      const store = { load: () => keys.load(), save: keys.save.bind(keys), wrappingKeys };
      // Its wrapping keys are elsewhere, so that the answer that is lost is that of the change.
      const other: KeyStore = {
        ...store,
        async save(value, version) {
          proxy.freeze('answers');
          return keys.save(value, version);
        },
      };
      const old = await keys.load();
      const ring = await ringOver(other, clock, { name: 'lost' });
      if (old)
        await keys.save({ ...old.value, did: (await identityOf('lost')).did, epochs: [] }, old.version);
      await refuses(() => ring.current());
      proxy.heal();
      await succeeds(() => keys.load());
      clock.advance(SECOND);
      const direct = await backend.stores(server.port);
      const { epochs } = (await direct.keys.load())!.value;
      expect(epochs).toHaveLength(1);
      const next = await ringOver({ ...store, load: () => direct.keys.load() }, clock, { name: 'lost' });
      expect(await numberOf(next.current())).toBe(epochs[0]!.keyEpoch);
      expect(await wrappingKeys.ids()).toEqual([epochs[0]!.wrappingKey]);
    }, 60_000);
  });
}
