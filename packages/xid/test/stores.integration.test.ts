// The store that instances share: in memory, in Redis and in PostgreSQL. Four instances race for one token, and one wins.
import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { Identity, MemoryTrustRegistry } from '@private.me/xlink';
import { Redis } from 'ioredis';
import pg from 'pg';
import {
  MemoryXidStore,
  PostgresXidStore,
  RedisXidStore,
  requestToken,
  XidService,
  type XidStore,
} from '../src/index.js';
import { findProgram, startPostgres, startRedis } from './servers.js';
import {
  afterTest,
  clockAt,
  DAY,
  describeWhere,
  failure,
  NOON,
  registrarAt,
  seedOf,
  trusted,
} from './support.js';

type Open = () => Promise<XidStore>;

/** Four connections, each as an instance has one. */
const KINDS: readonly [string, boolean, () => Promise<Open>][] = [
  [
    'memory',
    true,
    async () => {
      const store = new MemoryXidStore();
      return async () => store;
    },
  ],
  [
    'Redis',
    findProgram('redis-server') !== undefined,
    async () => {
      const server = await startRedis();
      return async () => {
        const client = new Redis({ port: server.port, host: '127.0.0.1' });
        afterTest(() => client.disconnect());
        return new RedisXidStore({ client });
      };
    },
  ],
  [
    'PostgreSQL',
    findProgram('initdb') !== undefined,
    async () => {
      const { url } = await startPostgres();
      return async () => {
        const pool = new pg.Pool({ connectionString: url, max: 4 });
        pool.on('error', () => {}); // the server ends first
        afterTest(() => pool.end());
        return new PostgresXidStore({ pool });
      };
    },
  ],
];

/** Real time: what Redis forgets, it forgets by its own clock. */
const NOW = Date.now();
const LATER = NOW + DAY;

for (const [name, isThere, begin] of KINDS)
  describeWhere(isThere, name, `in ${name}`, () => {
    test('an entry is added by one of many, and a group has no more than it may', async () => {
      const open = await begin();
      const stores = await Promise.all(Array.from({ length: 4 }, open));
      const [store] = stores as [XidStore, ...XidStore[]];
      const entry = (value: string) => ({ value, until: LATER });
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, at) => stores[at % 4]!.add('one', entry(String(at)), NOW)),
      );
      expect(outcomes.filter((outcome) => outcome === 'added')).toHaveLength(1);
      expect(await store.get(['one', 'two'], NOW)).toEqual([expect.any(String), undefined]);

      const group = { name: 'few', max: 5 };
      const joined = await Promise.all(
        Array.from({ length: 20 }, (_, at) => stores[at % 4]!.add(`few ${at}`, entry('x'), NOW, group)),
      );
      expect(joined.filter((outcome) => outcome === 'added')).toHaveLength(5);
      expect(joined.filter((outcome) => outcome === 'full')).toHaveLength(15);
      expect(await store.count('few', NOW)).toBe(5);
      await store.remove(`few ${joined.indexOf('added')}`, 'few');
      expect(await store.count('few', NOW)).toBe(4);
      expect(await store.add('few more', entry('x'), NOW, group)).toBe('added');
      expect(await store.add('few more', entry('x'), NOW, { ...group, max: 9 })).toBe('taken');
      await store.set('few more', entry('y'), NOW);
      expect(await store.get(['few more'], NOW)).toEqual(['y']);
      expect(await store.count('few', NOW)).toBe(5);
    });

    test('what is over is not there, and makes room', async () => {
      const store = await (await begin())();
      const group = { name: 'g', max: 1 };
      expect(await store.add('a', { value: '1', until: NOW - 1 }, NOW - 10, group)).toBe('added');
      expect(await store.get(['a'], NOW)).toEqual([undefined]);
      expect(await store.count('g', NOW)).toBe(0);
      expect(await store.add('b', { value: '2', until: LATER }, NOW, group)).toBe('added');
      expect(await store.add('c', { value: '3', until: LATER }, NOW, group)).toBe('full');
    });

    test('of ends that come in any order the latest stays', async () => {
      const open = await begin();
      const stores = await Promise.all(Array.from({ length: 4 }, open));
      const [store] = stores as [XidStore, ...XidStore[]];
      const ends = [3, 1, 4, 2, 1, 4, 2].map((hours) => NOW + hours * 3_600_000);
      await Promise.all(ends.map((until, at) => stores[at % 4]!.extend('r', { value: 'x', until }, NOW)));
      for (const until of ends) await store.extend('r', { value: 'x', until }, NOW);
      expect(await store.get(['r'], NOW + 4 * 3_600_000 - 1)).toEqual(['x']);
      expect(await store.get(['r'], NOW + 4 * 3_600_000)).toEqual([undefined]);
    });

    test('an entry that is renewed counts until its new end', async () => {
      const store = await (await begin())();
      const group = { name: 'g', max: 2 };
      const soon = NOW + 60_000;
      for (const key of ['a', 'b'])
        expect(await store.add(key, { value: '1', until: soon }, NOW, group)).toBe('added');
      for (const key of ['a', 'b']) await store.set(key, { value: '2', until: LATER }, NOW, 'g');
      expect(await store.count('g', soon)).toBe(2);
      expect(await store.add('c', { value: '3', until: LATER }, soon, group)).toBe('full');
      await store.remove('a', 'g');
      expect(await store.add('c', { value: '3', until: LATER }, soon, group)).toBe('added');
    });

    test('a class has no more than it may after renewals, and who is revoked makes room and stays out', async () => {
      const store = await (await begin())();
      const clock = clockAt(Math.floor(NOW / DAY) * DAY + 1000);
      const registrar = await registrarAt(clock);
      const audience = 'https://api.example';
      const classes = { members: { scopes: ['*'], maxIdentities: 2 } };
      const service = new XidService({
        audience,
        registrars: [trusted(registrar, { classes })],
        store,
        clock,
      });
      const registry = service.registry(new MemoryTrustRegistry({ clock }));
      const epoch = registrar.epoch;
      const enter = async (name: string, at = registrar.epoch) => {
        const { did } = await Identity.fromSeed(seedOf(name), { maxVersion: 1 });
        const proof = await registrar.certify({ did, audience, class: 'members', epoch: at });
        return { did, proof, answer: await service.verify({ did, service: did, proof, at: clock() }) };
      };
      for (const name of ['ann', 'bob']) {
        expect((await enter(name, epoch - 1)).answer).toMatchObject({ client: 'xid:members' });
        expect((await enter(name)).answer).toMatchObject({ client: 'xid:members' });
      }
      clock.advance(DAY);
      expect((await enter('cat')).answer).toEqual({ refused: 'CLASS_FULL' });
      expect(await service.count('members')).toBe(2);

      const ann = await enter('ann', epoch);
      const newer = await registrar.revoke((await enter('ann')).proof);
      const older = await registrar.revoke(ann.proof);
      for (const one of [newer, older, newer, older]) await service.revoke(one);
      expect((await registry.lookup(ann.did))?.status).toBe('revoked');
      expect(await service.count('members')).toBe(1);
      clock.advance(DAY + 300_001);
      expect((await enter('ann')).answer).toEqual({ refused: 'CERTIFICATE_REVOKED' });
      expect((await registry.lookup(ann.did))?.status).toBe('revoked');
      expect((await enter('cat')).answer).toMatchObject({ client: 'xid:members' });
    });

    test('a token that comes to four instances at once is spent at one of them', async () => {
      const open = await begin();
      const clock = () => NOW;
      const registrar = await registrarAt(clock);
      const audience = 'https://api.example';
      const services = await Promise.all(
        Array.from({ length: 4 }, async () => {
          const store = await open();
          return new XidService({ audience, registrars: [trusted(registrar)], store, clock });
        }),
      );
      const { did } = await Identity.fromSeed(seedOf('racer'), { maxVersion: 1 });
      const issuerKey = await registrar.issuerKey('members');
      const sign = (blinded: Uint8Array) => registrar.blindSign('members', registrar.epoch, blinded, 'ann');
      for (let round = 0; round < 3; round++) {
        const token = await requestToken({
          did,
          audience,
          issuerKey,
          registrar: { did: registrar.did },
          sign,
        });
        const claim = { did, service: did, proof: token, at: NOW };
        const answers = await Promise.all(
          services.flatMap((one) => [one, one]).map((one) => one.verify(claim)),
        );
        const refused = answers.filter((answer) => 'refused' in answer);
        expect(answers.length - refused.length).toBe(1);
        expect(new Set(refused.map((answer) => JSON.stringify(answer)))).toEqual(
          new Set(['{"refused":"TOKEN_SPENT"}']),
        );
      }
      expect(await services[0]!.count('members')).toBe(1);
    });
  });

describeWhere(findProgram('redis-server') !== undefined, 'Redis', 'a store that is down', () => {
  test('lets nobody in, and says so', async () => {
    const server = await startRedis();
    const client = new Redis({
      port: server.port,
      host: '127.0.0.1',
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    client.on('error', () => {});
    afterTest(() => client.disconnect());
    const store = new RedisXidStore({ client, timeoutMs: 200 });
    expect(await store.get(['x'], NOW)).toEqual([undefined]);
    await server.stop();
    expect(await failure(() => store.get(['x'], NOW))).toBe('STORE_UNAVAILABLE');
    const registrar = await registrarAt(() => NOW);
    const service = new XidService({
      audience: 'https://a.example',
      registrars: [trusted(registrar)],
      store,
      clock: () => NOW,
    });
    const { did } = await Identity.fromSeed(seedOf('ann'), { maxVersion: 1 });
    const proof = await registrar.certify({ did, audience: 'https://a.example', class: 'members' });
    expect(await failure(() => service.verify({ did, service: did, proof, at: NOW }))).toBe(
      'STORE_UNAVAILABLE',
    );
  });
});

test('the memory does not grow with identities that come and go', async () => {
  const store = new MemoryXidStore();
  const clock = clockAt(NOON);
  for (let day = 0; day < 20; day++) {
    for (let at = 0; at < 500; at++) {
      const entry = { value: 'x', until: clock() + 2 * DAY };
      const key = randomBytes(8).toString('hex');
      expect(await store.add(key, entry, clock(), { name: 'members', max: 1500 })).toBe('added');
    }
    clock.advance(DAY);
  }
  expect(store.size).toBeLessThanOrEqual(1500);
});
