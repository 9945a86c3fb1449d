import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Did } from '@private.me/xlink';
import { PostgresClientStore, PostgresModeStore, PostgresTrustRegistry } from '@private.me/xlink/postgres';
import type pg from 'pg';
import type * as PoolModule from '../../../src/stores/postgres/pool.js';
import { connectionsOf } from '../../../src/stores/postgres/pool.js';
import { identityOf } from '../../support/agents.js';
import { describeWithPostgres, PostgresServer } from '../../support/postgres-server.js';
import { idOf, thrownBy, unwrap } from '../../support/results.js';
import { until } from '../../support/until.js';
import { backendsOf, type NamedPool, poolsOf } from './support.js';

const alice = (await identityOf('alice', 1)).did;
const mode = (since: number) => ({ mode: 'hybrid' as const, since });

describeWithPostgres('Listening with a pool', () => {
  let server: PostgresServer;
  let run = 0;
  const stops: (() => void)[] = [];
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 30_000);
  afterAll(() => server?.stop());
  // Before the hook of the pools: their `end()` waits for who listens.
  afterEach(() => {
    for (const stop of stops.splice(0)) stop();
  });
  const open = poolsOf(() => server);

  const registryOn = (pool: pg.Pool, table = `entries_${run}`) =>
    new PostgresTrustRegistry({ pool, table, heartbeatMs: 100 });
  const modesOn = (pool: pg.Pool, table = `modes_${run}`) =>
    new PostgresModeStore({ pool, table, heartbeatMs: 100 });
  const listeners = async (pool: NamedPool) =>
    (await backendsOf(pool, open())).filter(({ query }) => /^(UN)?LISTEN|^SELECT 1$/.test(query)).length;

  /** What a registry tells, from when its feed is live. */
  async function hearing(registry: PostgresTrustRegistry): Promise<(Did | undefined)[]> {
    const heard: (Did | undefined)[] = [];
    stops.push(registry.onChange((did) => heard.push(did)));
    await until(() => registry.changeFeed === 'live');
    return heard;
  }

  test('[E3] a pool of two serves registry, clients and mode while all of them listen', async () => {
    run++;
    const pool = open({ max: 2 });
    const [registry, modes] = [registryOn(pool), modesOn(pool)];
    const clients = new PostgresClientStore({ pool, table: `clients_${run}` });
    const heard = await hearing(registry);
    let changes = 0;
    stops.push(modes.onChange(() => changes++));
    await until(() => changes === 1);

    unwrap(await registry.add(alice));
    expect((await registry.lookup(alice))?.status).toBe('active');
    expect(await clients.link(alice, 'acme')).toBe('acme');
    expect(await modes.save(mode(1), 0)).toBe(true);
    await until(() => heard.includes(alice) && changes === 2);
    expect(await listeners(pool)).toBe(1);
  });

  test('[E3] any number of stores share the connection, and each hears of its own channel only', async () => {
    run++;
    const pool = open({ max: 2 });
    const registries = Array.from({ length: 12 }, (_, at) => registryOn(pool, `entries_${run}_${at}`));
    const heard = await Promise.all(registries.map(hearing));
    expect(await listeners(pool)).toBe(1);
    const others = open();
    for (const at of [3, 7]) unwrap(await registryOn(others, `entries_${run}_${at}`).add(alice));
    await until(() => heard[7]!.length === 2);
    expect(heard).toEqual(
      registries.map((_, at) => (at === 3 || at === 7 ? [undefined, alice] : [undefined])),
    );
  });

  test('[E3] a store that stops takes nothing from the others, and the last one gives the connection back', async () => {
    run++;
    const pool = open({ max: 2 });
    const [registry, twin, modes] = [registryOn(pool), registryOn(pool), modesOn(pool)];
    await Promise.all([hearing(registry), hearing(twin)]);
    let changes = 0;
    const stopModes = modes.onChange(() => changes++);
    await until(() => changes === 1);
    registry.close();
    const heard = await hearing(twin);
    unwrap(await twin.add(alice));
    await until(() => heard.includes(alice));
    twin.close();
    expect(await modes.save(mode(1), 0)).toBe(true);
    await until(() => changes === 2);
    stopModes();
    await until(async () => (await listeners(pool)) === 0);
    expect(pool.totalCount).toBeLessThanOrEqual(1);
  });

  test('[E3] all are told when the connection breaks, and share the next one', async () => {
    run++;
    const pool = open({ max: 2 });
    const registries = [registryOn(pool), registryOn(pool, `others_${run}`)];
    const heard = await Promise.all(registries.map(hearing));
    const observer = open();
    await observer.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1',
      [pool.applicationName],
    );
    await until(() => heard.every((each) => each.length === 2));
    expect(heard).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ]);
    expect(await listeners(pool)).toBe(1);
    unwrap(await registries[0]!.add(alice));
    await until(() => heard[0]!.includes(alice));
  });

  test('[E3] a pool of one: the registry refuses to listen, the mode is asked for instead', async () => {
    run++;
    const pool = open({ max: 1 });
    const [registry, modes] = [registryOn(pool), modesOn(pool)];
    expect(await thrownBy(() => registry.onChange(() => {}))).toMatchObject({ field: 'pool' });
    stops.push(modes.onChange(() => {}));
    expect(idOf(await registry.add(alice))).toBe('ok');
    expect(await modes.save(mode(1), 0)).toBe(true);
    expect(await listeners(pool)).toBe(0);
  });

  test('two copies of the package share the connection of a pool', async () => {
    const pool = open();
    const file = '../../../src/stores/postgres/pool.js';
    const copy: typeof PoolModule = await import(`${file}?copy`);
    expect(copy.connectionsOf).not.toBe(connectionsOf);
    expect(copy.connectionsOf(pool)).toBe(connectionsOf(pool));
    expect(copy.connectionsOf(open())).not.toBe(connectionsOf(pool));
  });

  test('a pool under many stores has the event listeners of one', async () => {
    const pool = open();
    const counts = () => [pool.listenerCount('error'), pool.listenerCount('connect')];
    connectionsOf(pool);
    const before = counts();
    for (let at = 0; at < 20; at++) new PostgresClientStore({ pool, table: `many_${at}` });
    expect(counts()).toEqual(before);
  });
});
