import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Agent, GatewayTransport, Identity, MemoryTrustRegistry } from '@private.me/xlink';
import { RedisRelayStore } from '@private.me/xlink/redis';
import { createRelay } from '@private.me/xlink/server';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterTest } from '../../support/after-test.js';
import { seedOf } from '../../support/agents.js';
import { listen } from '../../support/listen.js';
import { describeWithRedis, RedisServer } from '../../support/redis-server.js';
import { idOf, unwrap } from '../../support/results.js';
import { until } from '../../support/until.js';

describeWithRedis('several relays that share a Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start({ persistent: true });
  }, 30_000);
  afterAll(() => redis.stop());
  beforeEach(() => redis.cli('FLUSHALL'));

  async function clientOf(kind: 'ioredis' | 'redis') {
    if (kind === 'ioredis') {
      const client = new Redis(redis.port, '127.0.0.1');
      client.on('error', () => {});
      afterTest(async () => client.disconnect());
      return client;
    }
    const client = createClient({ url: redis.url });
    client.on('error', () => {});
    await client.connect();
    afterTest(async () => client.destroy());
    return client;
  }

  async function relay(
    kind: 'ioredis' | 'redis',
    limits: object = {},
    sendsPerMinute = 10_000,
  ): Promise<string> {
    const store = new RedisRelayStore({ client: await clientOf(kind), pollMs: 30, ...limits });
    const identity = await Identity.fromSeed(seedOf('relay'));
    const running = await createRelay({
      identity,
      store,
      open: true,
      requestsPerAddress: 1_000_000,
      sendsPerMinute,
    });
    afterTest(() => running.close());
    return (await listen((req, res) => running.handler(req, res))).url;
  }

  async function agents(relayUrlOfAlice: string, relayUrlOfBob: string) {
    const registry = new MemoryTrustRegistry();
    const make = async (name: string, relayUrl: string) => {
      const transport = new GatewayTransport({ relayUrl, waitMs: 1000, retries: 0, backoff: () => 20 });
      afterTest(async () => transport.dispose());
      return unwrap(await Agent.fromSeed({ seed: seedOf(`redis ${name}`), registry, transport }));
    };
    return { alice: await make('alice', relayUrlOfAlice), bob: await make('bob', relayUrlOfBob) };
  }

  test('what comes to one is fetched from the other, in order, once', async () => {
    const { alice, bob } = await agents(await relay('ioredis'), await relay('redis'));
    const got: unknown[] = [];
    bob.onMessage(({ payload }) => void got.push(payload));
    for (let n = 0; n < 130; n++) unwrap(await alice.send({ to: bob.did, payload: n }));
    await until(() => got.length >= 130, { withinMs: 15_000, what: '130 messages' });
    expect(got).toEqual(Array.from({ length: 130 }, (_, n) => n));
    await until(async () => (await redis.cli('XLEN', `relay:in:${bob.did}`)) === '0', {
      what: 'the last ack',
    });
    expect(await redis.cli('ZCARD', `relay:out:${alice.did}`)).toBe('0');
  });

  test('who asked for a receipt has it, through both', async () => {
    const { alice, bob } = await agents(await relay('ioredis'), await relay('redis'));
    bob.onMessage(() => {});
    alice.onMessage(() => {});
    const sent = unwrap(await alice.send({ to: bob.did, payload: 1, requestReceipt: true }));
    expect(unwrap(await sent.receiptLater!)).toMatchObject({ signer: bob.did, status: 'processed' });
    expect(unwrap(await bob.send({ to: alice.did, payload: 1 }))).not.toHaveProperty('receiptLater');
  });

  test('an envelope that is sent to both is there once', async () => {
    const [first, second] = [await relay('ioredis'), await relay('redis')];
    const { alice, bob } = await agents(first, second);
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    const body = JSON.stringify(envelope);
    for (const url of [first, second, first])
      expect((await fetch(`${url}/relay/send`, { method: 'POST', body })).status).toBe(202);
    expect(await redis.cli('XLEN', `relay:in:${bob.did}`)).toBe('1');
  });

  test('a copy that comes to another one counts for its sender nowhere, also once it was fetched', async () => {
    const [first, second] = [await relay('ioredis', {}, 3), await relay('redis', {}, 3)];
    const { alice, bob } = await agents(second, first);
    const post = async (url: string, envelope: unknown) =>
      (await fetch(`${url}/relay/send`, { method: 'POST', body: JSON.stringify(envelope) })).status;
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    expect(await post(first, envelope)).toBe(202);
    const copies = () => Promise.all(Array.from({ length: 20 }, () => post(second, envelope)));
    expect(new Set(await copies())).toEqual(new Set([202]));
    for (let n = 0; n < 5; n++) expect(await post(second, envelope)).toBe(202);
    for (let n = 0; n < 3; n++) unwrap(await alice.send({ to: bob.did, payload: n }));
    expect(idOf(await alice.send({ to: bob.did, payload: 4 }))).toBe('SEND_FAILED:QUOTA');
    expect(new Set(await copies())).toEqual(new Set([202]));
    expect(await redis.cli('XLEN', `relay:in:${bob.did}`)).toBe('4');
    bob.onMessage(() => {});
    await until(async () => (await redis.cli('XLEN', `relay:in:${bob.did}`)) === '0', { what: 'the acks' });
    expect(new Set(await copies())).toEqual(new Set([202]));
    expect(await redis.cli('XLEN', `relay:in:${bob.did}`)).toBe('0');
  });

  test('a nonce is kept for as long as copies may come, and no longer', async () => {
    const store = new RedisRelayStore({ client: await clientOf('ioredis') });
    const message = (nonce: string, copiesForMs: number) => ({
      envelope: { from: 'did:key:a', to: 'did:key:b', nonce } as never,
      bytes: 100,
      copiesForMs,
    });
    const [brief, long] = [message('brief', 1), message('long', 60_000)];
    expect(await store.add(long)).toBe('stored');
    expect([await store.knows(long.envelope), await store.knows(brief.envelope)]).toEqual([true, false]);
    expect(Number(await redis.cli('PTTL', 'relay:nonces:did:key:b'))).toBeLessThanOrEqual(60_000);
    const kept = async () => Number(await redis.cli('ZCARD', 'relay:nonces:did:key:b'));
    expect(await store.add(brief)).toBe('stored');
    expect(await store.add(message('another', 60_000))).toBe('stored');
    await until(async () => {
      expect(await store.add(long)).toBe('known'); // whatever is over is removed on the way
      return (await kept()) === 2;
    });
    expect(await store.knows(brief.envelope)).toBe(false);
  });

  test('quotas count over all of them, and give room back', async () => {
    const limits = { messagesPerSender: 2 };
    const { alice, bob } = await agents(await relay('ioredis', limits), await relay('redis', limits));
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    unwrap(await alice.send({ to: bob.did, payload: 2 }));
    expect(idOf(await alice.send({ to: bob.did, payload: 3 }))).toBe('SEND_FAILED:QUOTA');
    bob.onMessage(() => {});
    await until(async () => (await alice.send({ to: bob.did, payload: 4 })).ok, { what: 'room' });
    const full = { messagesPerMailbox: 1 };
    const others = await agents(await relay('redis', full), await relay('ioredis', full));
    await redis.cli('FLUSHALL');
    unwrap(await others.bob.send({ to: others.alice.did, payload: 1 }));
    expect(idOf(await others.bob.send({ to: others.alice.did, payload: 2 }))).toBe(
      'SEND_FAILED:MAILBOX_FULL',
    );
  });

  test('a message is gone after its lifetime, by the clock of Redis', async () => {
    const { alice, bob } = await agents(
      await relay('ioredis', { lifetimeMs: 300 }),
      await relay('redis', { lifetimeMs: 300 }),
    );
    unwrap(await alice.send({ to: bob.did, payload: 'too late' }));
    await new Promise((resolve) => setTimeout(resolve, 350)); // Redis has a clock of its own
    unwrap(await alice.send({ to: bob.did, payload: 'in time' }));
    const got: unknown[] = [];
    bob.onMessage(({ payload }) => void got.push(payload));
    await until(() => got.length > 0, { what: 'a message' });
    expect(got).toEqual(['in time']);
  });

  test('Redis dies and comes back: nothing is accepted meanwhile, nothing accepted is lost', async () => {
    const { alice, bob } = await agents(await relay('ioredis'), await relay('ioredis'));
    unwrap(await alice.send({ to: bob.did, payload: 'before' }));
    await redis.kill();
    const failed = await Promise.race([
      alice.send({ to: bob.did, payload: 'meanwhile' }).then(idOf),
      new Promise((resolve) => setTimeout(resolve, 1500, 'waits')),
    ]);
    expect(failed).not.toBe('ok');
    await redis.restart();
    const got: unknown[] = [];
    bob.onMessage(({ payload }) => void got.push(payload));
    await until(() => got.includes('before'), { withinMs: 15_000, what: 'the message' });
    const after = async () => (await alice.send({ to: bob.did, payload: 'after' })).ok;
    await until(after, { withinMs: 15_000, what: 'the other relay' }); // each has a connection of its own
    await until(() => got.includes('after'), { withinMs: 15_000, what: 'the next message' });
    expect(got.filter((payload) => payload !== 'meanwhile')).toEqual(['before', 'after']);
  }, 60_000);

  test.each([
    [{}],
    [{ client: {} }],
    [{ client: { call() {} }, pollms: 1 }],
    [{ client: { call() {} }, keyPrefix: 'a b' }],
  ])('is not made with %j', (options) => {
    expect(() => new RedisRelayStore(options as never)).toThrow(
      expect.objectContaining({ id: 'INVALID_OPTION' }),
    );
  });
});
