import { describe, expect, test } from '@jest/globals';
import { Agent, type AgentOptions, type Envelope, LoopbackTransport } from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { MINUTE } from '../support/clock.js';
import { errorOf, idOf, unwrap } from '../support/results.js';
import { pair, World } from '../support/world.js';

const CAPABILITIES = [
  { name: 'createCharge', scopes: ['payments'] },
  { name: 'getBalance', scopes: ['payments:read'] },
];
const NAMES = ['createCharge', 'getBalance'];

/** Alice, who asks, and Bob, who can do something. */
const made = (forBob: AgentOptions = {}, forAlice: AgentOptions = {}) =>
  pair(forAlice, { capabilities: CAPABILITIES, ...forBob });

/** How many envelopes ask. */
const questions = ({ transport }: World) => transport.outbox.filter(({ inReplyTo }) => !inReplyTo).length;

describe('an agent that is asked what it can do', () => {
  test('says it: capabilities, tools and scopes, by name and from when until when', async () => {
    const { world, alice, bob } = await made();
    const said = unwrap(await alice.discover(bob.did));
    expect(said).toEqual({
      did: bob.did,
      name: 'bob',
      capabilities: NAMES,
      tools: CAPABILITIES,
      issuedAt: world.clock(),
      notAfter: world.clock() + 5 * MINUTE,
    });
    expect(Object.isFrozen(said.tools[0])).toBe(true);
  });

  test('signs and seals it, and so does who asks', async () => {
    const { world, alice, bob } = await made();
    const replies: Envelope[] = [];
    const { transport } = world;
    const send = transport.send.bind(transport);
    transport.send = (envelope, to, again, onReceipt) =>
      send(envelope, to, again, (reply) => {
        replies.push(reply);
        onReceipt?.(reply);
      });
    unwrap(await alice.discover(bob.did));
    const [question] = transport.outbox;
    expect(question).toMatchObject({
      kind: 'message',
      from: alice.did,
      to: bob.did,
      scope: 'xlink:discover',
    });
    expect(replies).toMatchObject([
      { kind: 'message', from: bob.did, to: alice.did, inReplyTo: question!.nonce },
    ]);
    for (const envelope of [question!, ...replies]) expect(envelope).toHaveProperty('kemCiphertext');
  });

  test('of version 3 signs it by ML-DSA-65, too', async () => {
    const pq = { postQuantumSig: true };
    const { alice, bob } = await made(pq, pq);
    expect(unwrap(await alice.discover(bob.did)).capabilities).toEqual(NAMES);
  });

  test('is found by the name that the registry has once', async () => {
    const { alice, bob } = await made();
    expect(unwrap(await alice.discover('bob')).did).toBe(bob.did);
    expect(idOf(await alice.discover('nobody'))).toBe('LOOKUP_FAILED:NAME_NOT_FOUND');
    expect(errorOf(await alice.discover('did:web:example.com'))).toMatchObject({ id: 'INVALID_DID' });
  });

  test('says nothing to its handlers, nor to receive()', async () => {
    const { alice, bob } = await made();
    const heard: unknown[] = [];
    bob.onMessage(({ payload }) => void heard.push(payload), { onRefused: ({ id }) => heard.push(id) });
    unwrap(await alice.discover(bob.did));
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    expect(heard).toEqual([1]);
  });

  test('says nothing to receive(), and answers while that waits', async () => {
    const { alice, bob } = await made();
    unwrap(await alice.discover(bob.did));
    const next = bob.receive();
    expect(idOf(await alice.discover(bob.did, { refresh: true }))).toBe('ok');
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    expect(unwrap(await next).payload).toBe(1);
  });

  test.each([
    ['onMessage', (bob: Agent) => bob.onMessage(() => {})],
    ['receive', (bob: Agent) => void bob.receive()],
  ])('%s answers for one without capabilities', async (_, begin) => {
    const { alice, bob } = await pair();
    begin(bob);
    await bob.ready();
    expect(unwrap(await alice.discover(bob.did)).capabilities).toEqual([]);
    bob.dispose();
  });

  test('answers without capabilities that it has none, once it takes messages', async () => {
    const { alice, bob } = await pair();
    expect(idOf(await alice.discover(bob.did))).toBe('CAPABILITIES_UNAVAILABLE:NOT_SUPPORTED');
    bob.onMessage(() => {});
    expect(unwrap(await alice.discover(bob.did)).capabilities).toEqual([]);
  });

  test('knows of itself without asking', async () => {
    const { world, bob } = await made({ discoverable: false });
    expect(unwrap(await bob.discover(bob.did)).capabilities).toEqual(NAMES);
    expect(world.transport.outbox).toEqual([]);
  });

  test.each<[string, AgentOptions]>([
    ['is not discoverable', { discoverable: false }],
    ['takes no scope that the sender may send', { receiveScopes: ['orders'] }],
    ['takes nothing at all', { receiveScopes: [] }],
  ])('refuses where it %s', async (_, forBob) => {
    const { alice, bob } = await made(forBob, { sendScopes: ['payments'] });
    expect(idOf(await alice.discover(bob.did))).toBe('CAPABILITIES_UNAVAILABLE:REFUSED');
  });

  test('needs no grant of the scope, and is not stopped by the rules for messages', async () => {
    const forBob = { receiveScopes: ['payments'], policy: { allowedScopes: ['payments'] } };
    const { alice, bob } = await made(forBob, { sendScopes: ['payments'] });
    expect(idOf(await alice.discover(bob.did))).toBe('ok');
  });

  test('counts who asks among those who send', async () => {
    const { alice, bob } = await made({ policy: { rateLimits: { maxPerMinute: 1 } } });
    bob.onMessage(() => {});
    expect(idOf(await alice.discover(bob.did))).toBe('ok');
    const { cause } = errorOf(await alice.send({ to: bob.did, payload: 1 }));
    expect(cause).toMatchObject({ id: 'RATE_LIMIT_EXCEEDED' });
  });

  test('answers as the DID that was asked, and after the overlap as the one that took its place', async () => {
    const { world, alice, bob } = await made();
    const [before, next] = [bob.did, await identityOf('next bob')];
    unwrap(await alice.discover(before));
    unwrap(await bob.succeedBy(next, { overlapMs: MINUTE }));
    expect(unwrap(await alice.discover(before, { refresh: true })).did).toBe(before);
    expect(unwrap(await alice.discover(next.did)).did).toBe(next.did);
    world.clock.advance(2 * MINUTE);
    expect(unwrap(await alice.discover(before)).did).toBe(next.did);
    expect(unwrap(await bob.discover(before))).toMatchObject({ did: before, capabilities: NAMES });
  });

  test('stays a lazy one: a question to another makes it no identity, and once it has one it answers', async () => {
    const { world, alice, bob } = await made();
    const { registry, transport, clock } = world;
    const lazy = Agent.lazy({ registry, transport, clock, capabilities: ['a'] });
    unwrap(await alice.discover(bob.did));
    expect(() => lazy.did).toThrow();
    await lazy.ready();
    expect(unwrap(await alice.discover(lazy.did)).capabilities).toEqual(['a']);
  });
});

describe('what was discovered', () => {
  test('is kept until it is over, and asked for again with refresh', async () => {
    const { world, alice, bob } = await made();
    const first = unwrap(await alice.discover(bob.did));
    expect(unwrap(await alice.discover(bob.did))).toBe(first);
    expect(questions(world)).toBe(1);
    world.clock.advance(MINUTE);
    expect(unwrap(await alice.discover(bob.did, { refresh: true })).issuedAt).toBe(first.issuedAt + MINUTE);
    world.clock.advance(5 * MINUTE);
    unwrap(await alice.discover(bob.did));
    expect(questions(world)).toBe(3);
  });

  test('is asked for once by many at a time', async () => {
    const { world, alice, bob } = await made();
    const all = await Promise.all(Array.from({ length: 20 }, () => alice.discover(bob.did)));
    expect(new Set(all.map(unwrap)).size).toBe(1);
    expect(questions(world)).toBe(1);
  });

  test('ends with its DID: the registry is asked each time', async () => {
    const { world, alice, bob } = await made();
    unwrap(await alice.discover(bob.did));
    world.registry.revoke(bob.did);
    expect(idOf(await alice.discover(bob.did))).toBe('LOOKUP_FAILED:DID_REVOKED');
    expect(idOf(await alice.discover(bob.did, { refresh: true }))).toBe('LOOKUP_FAILED:DID_REVOKED');
    expect(questions(world)).toBe(1);
  });

  test('is of nobody whom the registry does not know', async () => {
    const { alice } = await made();
    const carol = await new World().agent('carol');
    expect(idOf(await alice.discover(carol.did))).toBe('LOOKUP_FAILED:DID_NOT_IN_REGISTRY');
  });

  test('is not handed over while the registry is down, and is there again after it', async () => {
    const { world, alice, bob } = await made();
    const { lookup } = world.registry;
    const said = unwrap(await alice.discover(bob.did));
    world.registry.lookup = () => {
      throw new Error('down');
    };
    expect(idOf(await alice.discover(bob.did))).toBe('LOOKUP_FAILED');
    world.registry.lookup = lookup;
    expect(unwrap(await alice.discover(bob.did))).toBe(said);
  });

  test('is forgotten with the peer', async () => {
    const { world, alice, bob } = await made();
    unwrap(await alice.discover(bob.did));
    alice.forgetPeer(bob.did);
    unwrap(await alice.discover(bob.did));
    expect(questions(world)).toBe(2);
  });

  test('memory is bounded: what 300 agents said is not kept of all', async () => {
    const world = new World();
    const alice = await world.agent('alice', { maxVersion: 1 });
    const dids: string[] = [];
    for (let n = 0; n < 300; n++) {
      const peer = await world.agent(`peer ${n}`, { maxVersion: 1, capabilities: ['a'] });
      dids.push(peer.did);
      unwrap(await alice.discover(peer.did));
    }
    const before = questions(world);
    unwrap(await alice.discover(dids[299]!));
    expect(questions(world)).toBe(before);
    unwrap(await alice.discover(dids[0]!));
    expect(questions(world)).toBe(before + 1);
  });
});

describe('nothing hangs', () => {
  /** Never comes back from sending. */
  class Silent extends LoopbackTransport {
    override send(): Promise<never> {
      return new Promise(() => {});
    }
  }

  test('where sending does not end', async () => {
    const { alice, bob } = await made({}, { transport: new Silent() });
    const asked = await alice.discover(bob.did, { timeoutMs: 20 });
    expect(idOf(asked)).toBe('CAPABILITIES_UNAVAILABLE:NO_ANSWER');
  });

  test('where the registry does not answer', async () => {
    const { world, alice, bob } = await made();
    world.registry.lookup = (() => new Promise(() => {})) as never;
    const asked = await Promise.all([20, 40].map((timeoutMs) => alice.discover(bob.did, { timeoutMs })));
    expect(asked.map(idOf)).toEqual(Array(2).fill('CAPABILITIES_UNAVAILABLE:NO_ANSWER'));
  });

  test('for those who wait behind such a question', async () => {
    const { alice, bob } = await made({}, { transport: new Silent() });
    const asked = await Promise.all([20, 40, 60].map((timeoutMs) => alice.discover(bob.did, { timeoutMs })));
    expect(asked.map(idOf)).toEqual(Array(3).fill('CAPABILITIES_UNAVAILABLE:NO_ANSWER'));
  });

  test('where the signal says stop', async () => {
    const { alice, bob } = await made({}, { transport: new Silent() });
    const stop = new AbortController();
    const asked = alice.discover(bob.did, { signal: stop.signal });
    stop.abort(new Error('enough'));
    expect(errorOf(await asked)).toMatchObject({ id: 'NETWORK_ERROR', cause: { message: 'enough' } });
    expect(idOf(await alice.discover(bob.did, { signal: stop.signal }))).toBe('NETWORK_ERROR');
  });
});

describe('who may not ask', () => {
  test('a revoked one that asks learns nothing', async () => {
    const { world, alice, bob } = await made();
    world.registry.revoke(alice.did);
    expect(idOf(await alice.discover(bob.did))).toBe('CAPABILITIES_UNAVAILABLE:NOT_SUPPORTED');
  });

  test('a stranger that asks learns nothing', async () => {
    const { world, bob } = await made();
    const stranger = await world.stranger('mallory');
    expect(idOf(await stranger.discover(bob.did))).toBe('CAPABILITIES_UNAVAILABLE:NOT_SUPPORTED');
  });
});
