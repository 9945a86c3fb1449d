import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Agent, CachedTrustRegistry, Identity, RedisNonceStore } from '@private.me/xlink';
import {
  RedisSequenceStore,
  RedisTicketKeyStore,
  RedisTrustRegistry,
  redisClientOptions,
} from '@private.me/xlink/redis';
import { Redis } from 'ioredis';
import { fetchFor } from '../client/support.js';
import { seedOf } from '../support/agents.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { RawCaller, type SessionApi, serveSessions } from './support.js';

describeWithRedis('sessions over instances that share Redis', () => {
  let server: RedisServer;
  let instances: SessionApi[];
  const ends: (() => unknown)[] = [];

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    await server.cli('FLUSHALL');
    const connect = async () => {
      const client = new Redis({ ...redisClientOptions.ioredis, port: server.port, host: '127.0.0.1' });
      client.on('error', () => {});
      ends.push(() => client.disconnect());
      await once(client, 'ready');
      return client;
    };
    const identity = await Identity.fromSeed(seedOf('api of sessions'));
    instances = [];
    for (let i = 0; i < 4; i++) {
      const client = await connect();
      const registry = new CachedTrustRegistry({
        registry: new RedisTrustRegistry({ client, subscriber: await connect() }),
      });
      ends.push(() => registry.close());
      const agent = new Agent({
        identity,
        registry,
        nonceStore: new RedisNonceStore({ client, timeoutMs: 10_000 }),
      });
      const sessions = {
        sequences: new RedisSequenceStore({ client, timeoutMs: 10_000 }), // on a busy machine that takes its time
        tickets: new RedisTicketKeyStore({ client, timeoutMs: 10_000 }),
      };
      instances.push(await serveSessions(sessions, { agent, instances: 4 }));
    }
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  const newCaller = () => RawCaller.of(instances[0]!.url, instances[0]!.registry);

  test('any of them serves a session that another one opened', async () => {
    const caller = await newCaller();
    for (const { url } of instances) expect(await caller.at(url).call()).toMatchObject({ status: 201 });
  });

  test('of 50 copies of a request that reach all four at once, one is carried out', async () => {
    const caller = await newCaller();
    const sealed = await caller.seal();
    const copies = Array.from({ length: 50 }, (_, i) => caller.send(sealed, { url: instances[i % 4]!.url }));
    const codes = (await Promise.all(copies)).map(({ status, code }) => code ?? status);
    expect(codes.filter((code) => code === 201)).toHaveLength(1);
    expect(codes.filter((code) => code === 'REPLAY_DETECTED')).toHaveLength(49);
    const handled = instances.flatMap((one) => one.handled).filter((line) => line === 'POST /form');
    expect(handled).toHaveLength(1);
  });

  test('a revocation at one ends open sessions at the others within 250 ms', async () => {
    const caller = await newCaller();
    const others = instances.slice(1).map(({ url }) => caller.at(url));
    for (const other of others) expect((await other.call()).status).toBe(201);
    let last = 0;
    let isOver = false;
    const hammer = async (other: RawCaller) => {
      while (!isOver) {
        const sentAt = performance.now();
        const { status } = await other.call();
        if (status === 201) last = Math.max(last, sentAt);
        else return;
      }
    };
    const hammering = others.map(hammer);
    await caller.call();
    const revokedAt = performance.now();
    await (instances[0]!.registry as CachedTrustRegistry).revoke(caller.agent.did);
    await Promise.race([Promise.all(hammering), new Promise((resolve) => setTimeout(resolve, 5000))]);
    isOver = true;
    await Promise.all(hammering);
    expect(last - revokedAt).toBeLessThan(250);
    for (const other of others) expect((await other.call()).code).toBe('VERIFICATION_FAILED:DID_REVOKED');
  });

  test('Redis has no key of a ticket in the open, and says how long it keeps what it has', async () => {
    const caller = await newCaller();
    await caller.call();
    const keys = (await server.cli('KEYS', 'xlink:*')).split('\n').filter((key) => !key.endsWith('since'));
    expect(keys.some((key) => key.startsWith('xlink:ticket-key:'))).toBe(true);
    expect(keys.some((key) => key.startsWith('xlink:sequence:'))).toBe(true);
    for (const key of keys.filter((one) => /ticket-key|sequence/.test(one)))
      expect(Number(await server.cli('PTTL', key))).toBeGreaterThan(60_000);
  });

  test('a Redis that lost everything lets nothing in a second time, and clients go on by themselves', async () => {
    const caller = await newCaller();
    const sealed = await caller.seal();
    expect((await caller.send(sealed)).status).toBe(201);
    await server.cli('FLUSHALL');
    // The one that opened the session has its key in memory; the others have lost it.
    expect((await caller.send(sealed)).code).toMatch(
      /^(NONCE_STORE_UNAVAILABLE:COLD_START|VERIFICATION_FAILED)/,
    );
    expect((await caller.send(sealed, { url: instances[1]!.url })).code).toBe('SESSION_UNKNOWN');
    await serving(instances[2]!.url);
    const call = fetchFor(instances[2]!.url);
    const forms: unknown[] = [];
    for (let i = 0; i < 3; i++) forms.push(((await (await call('/form')).json()) as { form: string }).form);
    expect(forms).toEqual(['envelope', 'session', 'session']);
  });
});

/** Resolves once an instance takes what is sealed after the loss: the first of each bucket of nonces is refused. */
const serving = (url: string) =>
  until(async () => {
    const call = fetchFor(url);
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => call('/form')));
    return answers.every(({ status }) => status === 'fulfilled');
  });
