import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, CachedTrustRegistry, createKeyRecord, MemoryTrustRegistry } from '@private.me/xlink';
import { PostgresTrustRegistry } from '@private.me/xlink/postgres';
import { RedisTrustRegistry } from '@private.me/xlink/redis';
import express from 'express';
import pg from 'pg';
import type { VersionedRegistry } from '../../src/stores/versioned-registry.js';
import { identityOf } from '../support/agents.js';
import { problemIdOf, recorder, type Service, signedRequest, start } from '../support/http.js';
import { describeWith } from '../support/needs-program.js';
import { PostgresServer } from '../support/postgres-server.js';
import { RedisServer } from '../support/redis-server.js';
import { unwrap } from '../support/results.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { CLIENTS } from './redis/trust-registry-clients.js';

// One API in several instances, each with connections, a cache, an agent and a server of its own.

const INSTANCES = 4;
/** Everywhere, counted from when revoke() has resolved. */
const REVOKED_WITHIN_MS = 1000;

const [apiIdentity, callerIdentity] = await Promise.all([identityOf('api'), identityOf('caller')]);

let redis: RedisServer;
let postgres: PostgresServer;
let runs = 0;
const enders: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.all(enders.splice(0).map((end) => end()));
});

/** A registry with connections of its own; that for changes goes to `feedPort`. */
type Open = (run: number, feedPort: number) => Promise<VersionedRegistry>;

const overRedis =
  (name: keyof typeof CLIENTS): Open =>
  async (run, feedPort) => {
    const one = CLIENTS[name]!.one;
    const main = await one({ host: '127.0.0.1', port: redis.port });
    const feed = feedPort === redis.port ? main : await one({ host: '127.0.0.1', port: feedPort });
    enders.push(main.end, feed.end);
    return new RedisTrustRegistry({
      client: main.client,
      subscriber: feed.client,
      keyPrefix: `revocation-${run}:`,
    });
  };

const overPostgres: Open = async (run, feedPort) => {
  const pools = [postgres.port, feedPort].map(
    (port) => new pg.Pool({ ...postgres.connection, port, max: 2, connectionTimeoutMillis: 1000 }),
  );
  enders.push(() => Promise.all(pools.map((pool) => pool.end())));
  return new PostgresTrustRegistry({ pool: pools[0]!, subscriber: pools[1]!, table: `revocation_${run}` });
};

interface Instance {
  readonly registry: VersionedRegistry;
  /** What its agent asks. */
  readonly asked: CachedTrustRegistry | VersionedRegistry;
  readonly service: Service;
}

/** Instances that all know the caller and have answered it once, so that whoever caches has it cached. */
async function deploy(open: Open, { ttlMs, feedPort }: { ttlMs?: number; feedPort: number }) {
  const run = runs++;
  const instances: Instance[] = [];
  for (let at = 0; at < INSTANCES; at++) {
    const registry = await open(run, feedPort);
    const asked = ttlMs === undefined ? registry : new CachedTrustRegistry({ registry, ttlMs });
    enders.unshift(() => asked.close());
    const agent = new Agent({ identity: apiIdentity, registry: asked });
    const app = express();
    const parts = recorder(agent, { mode: 'xlink-only' });
    app.use(parts.adapter.middleware(), (_req, res) => void res.json({ ok: true }));
    instances.push({ registry, asked, service: await start(parts, app) });
  }
  const known = new MemoryTrustRegistry(); // the caller's own, which no outage touches
  unwrap(await known.register({ did: apiIdentity.did, keys: await createKeyRecord(apiIdentity) }));
  const caller = new Agent({ identity: callerIdentity, registry: known });
  unwrap(await instances[0]!.registry.register({ did: caller.did, keys: await caller.keyRecord() }));
  if (ttlMs !== undefined)
    await until(() => instances.every(({ registry }) => registry.changeFeed === 'live'));

  /** `ok`, or why the instance refused a fresh envelope. */
  async function call({ service }: Instance): Promise<string> {
    const answer = await service.send(await signedRequest({ caller, api: { did: apiIdentity.did } }));
    return answer.status === 200 ? 'ok' : problemIdOf(answer);
  }
  for (const instance of instances) expect(await call(instance)).toBe('ok');

  /** How long after now each of the others refuses for the first time, in ms; none accepts anything after that. */
  async function untilRefused(withinMs: number): Promise<number[]> {
    const began = performance.now();
    return Promise.all(
      instances.slice(1).map(async (instance) => {
        let said = 'ok';
        await until(async () => (said = await call(instance)) !== 'ok', { withinMs, what: 'a refusal' });
        const took = performance.now() - began;
        expect(said).toBe('VERIFICATION_FAILED:DID_REVOKED');
        for (let i = 0; i < 3; i++) expect(await call(instance)).toBe('VERIFICATION_FAILED:DID_REVOKED');
        return took;
      }),
    );
  }
  return { instances, caller, call, untilRefused };
}

const print = (what: string, times: readonly number[]) =>
  process.stdout.write(`  ${what}: ${times.map((ms) => ms.toFixed(1)).join(', ')} ms\n`);

describeWith(['redis-server', 'initdb', 'postgres'], 'a revocation, over several instances', () => {
  beforeAll(async () => {
    [redis, postgres] = await Promise.all([RedisServer.start(), PostgresServer.start()]);
  }, 30_000);
  afterAll(() => Promise.all([redis?.stop(), postgres?.stop()]));

  describe.each<[string, Open, () => number]>([
    ['Redis, ioredis', overRedis('ioredis'), () => redis.port],
    ['Redis, node-redis', overRedis('node-redis'), () => redis.port],
    ['Postgres', overPostgres, () => postgres.port],
  ])('%s', (name, open, port) => {
    test('without a cache is in force with the very next request, on every instance', async () => {
      const { instances, caller, call } = await deploy(open, { feedPort: port() });
      for (let round = 0; round < 5; round++) {
        unwrap(await instances[round % INSTANCES]!.asked.revoke(caller.did));
        for (const instance of instances)
          expect(await call(instance)).toBe('VERIFICATION_FAILED:DID_REVOKED');
        unwrap(await instances[(round + 1) % INSTANCES]!.asked.add(caller.did));
        for (const instance of instances) expect(await call(instance)).toBe('ok');
      }
    }, 30_000);

    test('with caches is in force everywhere within a second, and at once where it was made', async () => {
      const { instances, caller, call, untilRefused } = await deploy(open, {
        ttlMs: 600_000,
        feedPort: port(),
      });
      const times: number[] = [];
      for (let round = 0; round < 5; round++) {
        unwrap(await instances[0]!.asked.revoke(caller.did));
        times.push(...(await untilRefused(REVOKED_WITHIN_MS)));
        expect(await call(instances[0]!)).toBe('VERIFICATION_FAILED:DID_REVOKED');
        unwrap(await instances[0]!.asked.add(caller.did));
        for (const instance of instances)
          await until(async () => (await call(instance)) === 'ok', { withinMs: REVOKED_WITHIN_MS });
      }
      print(`${name}: from revoke() to the first refusal by each other instance`, times);
      expect(Math.max(...times)).toBeLessThan(REVOKED_WITHIN_MS);
    }, 30_000);

    test('with the link for changes cut is in force after the time to live at the latest', async () => {
      const proxy = await TcpProxy.start(port());
      const ttlMs = 1500;
      const { instances, caller, call, untilRefused } = await deploy(open, { ttlMs, feedPort: proxy.port });
      proxy.cut();
      await until(() => instances.every(({ registry }) => registry.changeFeed === 'down'));
      for (const instance of instances) await call(instance); // it is in the caches
      unwrap(await instances[0]!.asked.revoke(caller.did));
      const revoked = performance.now();
      const early = await Promise.all(instances.slice(1).map(call));
      if (performance.now() - revoked < ttlMs / 3) expect(early).toContain('ok'); // nobody told them
      const times = await untilRefused(ttlMs + 500);
      print(`${name}, link cut, time to live ${ttlMs} ms`, times);
      await proxy.close();
    }, 30_000);

    test('that was missed is in force as soon as the link is back, however long entries live', async () => {
      const proxy = await TcpProxy.start(port());
      const { instances, caller, untilRefused } = await deploy(open, {
        ttlMs: 600_000,
        feedPort: proxy.port,
      });
      proxy.cut();
      await until(() => instances.every(({ registry }) => registry.changeFeed === 'down'));
      unwrap(await instances[0]!.asked.revoke(caller.did));
      proxy.heal();
      const times = await untilRefused(2000);
      print(`${name}, link healed`, times);
      await proxy.close();
    }, 30_000);
  });
});
