import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type AgentOptions,
  generateIdentity,
  LoopbackTransport,
  MemoryLimitStore,
  MemoryTrustRegistry,
  PolicyEngine,
} from '@private.me/xlink';
import { BaseAgent } from '@private.me/xlink/client';
import { MINUTE } from '../support/clock.js';
import { idOf, optionRefusedBy, unwrap } from '../support/results.js';
import { pair } from '../support/world.js';

const PAYLOAD = { action: 'pay' };
const sent = async (from: Agent, to: Agent, scope = 'payments', payload: unknown = PAYLOAD) =>
  from.send({ to: to.did, payload, scope });

describe('the policy of an agent', () => {
  test('allows scopes in either direction', async () => {
    const { alice, bob } = await pair({ policy: { allowedScopes: ['payments'] } });
    expect(idOf(await sent(alice, bob))).toBe('ok');
    expect(idOf(await sent(alice, bob, 'admin'))).toBe('SCOPE_VIOLATION');
    await expect(alice.createEnvelope({ to: bob.did, payload: 1, scope: 'admin' })).rejects.toMatchObject({
      id: 'SCOPE_VIOLATION',
    });
    expect(idOf(await alice.receive(await sent(bob, alice)))).toBe('ok');
    const refused = await sent(bob, alice, 'admin');
    expect(idOf(await alice.receive(refused))).toBe('SCOPE_VIOLATION');
    expect(idOf(await alice.receive(refused))).toBe('REPLAY_DETECTED');
  });

  test('limits the size of payloads, by the bytes of their JSON', async () => {
    const { alice, bob } = await pair({ policy: { maxMessageSize: 10 } });
    expect(idOf(await sent(alice, bob, 'a', '12345678'))).toBe('ok');
    expect(idOf(await sent(alice, bob, 'a', '123456789'))).toBe('MESSAGE_TOO_LARGE');
    expect(idOf(await alice.receive(await sent(bob, alice, 'a', '12345678')))).toBe('ok');
    expect(idOf(await alice.receive(await sent(bob, alice, 'a', 'öööööö')))).toBe('MESSAGE_TOO_LARGE');
  });

  test('limits what is sent in all, and what is taken from each sender; a message over it may come again', async () => {
    const { world, alice, bob } = await pair({ policy: { rateLimits: { maxPerMinute: 1, maxPerHour: 2 } } });
    expect(idOf(await sent(alice, bob))).toBe('ok');
    expect(idOf(await sent(alice, bob))).toBe('RATE_LIMIT_EXCEEDED');
    expect(idOf(await alice.receive(await sent(bob, alice)))).toBe('ok');
    const handle = () => {};
    const waiting = await sent(bob, alice);
    expect(idOf(await alice.receive(waiting, { handle }))).toBe('RATE_LIMIT_EXCEEDED');
    world.clock.advance(MINUTE);
    const carol = await world.agent('carol');
    expect(idOf(await alice.receive(await sent(carol, alice)))).toBe('ok');
    expect(idOf(await sent(alice, bob))).toBe('RATE_LIMIT_EXCEEDED'); // the hour
  });

  test('counts for several instances in one store', async () => {
    const limitStore = new MemoryLimitStore();
    const policy = { rateLimits: { maxPerMinute: 1 }, limitStore };
    const { world, alice, bob } = await pair({ policy });
    const again = await world.agent('alice', { policy, registry: new MemoryTrustRegistry() });
    expect([idOf(await sent(alice, bob)), idOf(await sent(again, bob))]).toEqual([
      'ok',
      'RATE_LIMIT_EXCEEDED',
    ]);
  });

  test('wants trust on both sides', async () => {
    const { world, alice, bob } = await pair({ policy: { requireMutualTrust: true } });
    expect(idOf(await sent(alice, bob))).toBe('ok');
    expect(idOf(await alice.receive(await sent(bob, alice)))).toBe('ok');
    const mute = await world.agent('mute', { receiveScopes: [] });
    expect(idOf(await alice.receive(await mute.send({ to: alice.did, payload: 1 })))).toBe(
      'POLICY_UNMET:MUTUAL_TRUST',
    );
    const deaf = await world.agent('deaf', { sendScopes: [] });
    expect(idOf(await sent(alice, deaf))).toBe('POLICY_UNMET:MUTUAL_TRUST');
  });

  test('a PolicyEngine decides about what is taken, and a log that is down lets it come again', async () => {
    let isDown = true;
    const audit = {
      append: () => (isDown ? Promise.reject(new Error('down')) : undefined),
    };
    const policy = await PolicyEngine.create({
      audit,
      rules: [
        { scope: 'finance', require: ['audit-log'] },
        { amount: { above: 100 }, effect: 'deny' },
      ],
    });
    const { alice, bob } = await pair({}, { policy });
    const payment = { ...PAYLOAD, amount: 100 };
    const message = await sent(alice, bob, 'finance', payment);
    const handled: unknown[] = [];
    const handle = ({ payload }: { payload: unknown }) => {
      handled.push(payload);
    };
    expect(idOf(await bob.receive(message, { handle }))).toBe('POLICY_UNMET:AUDIT_LOG');
    isDown = false;
    expect(idOf(await bob.receive(message, { handle }))).toBe('ok');
    expect(idOf(await bob.receive(await sent(alice, bob, 'orders', { amount: 101 }), { handle }))).toBe(
      'POLICY_DENIED',
    );
    expect(idOf(await bob.receive(await sent(alice, bob, 'orders', { tx: payment }), { handle }))).toBe(
      'POLICY_DENIED',
    );
    expect(handled).toEqual([payment]);
  });

  test('one that does not decide lets a message come again', async () => {
    let answer: unknown = new Promise(() => {});
    const { alice, bob } = await pair({}, { policy: { decide: () => answer as never, timeoutMs: 20 } });
    const message = await sent(alice, bob);
    const handle = () => {};
    expect(idOf(await bob.receive(message, { handle }))).toBe('POLICY_UNAVAILABLE');
    answer = { effect: 'maybe' };
    expect(idOf(await bob.receive(message, { handle }))).toBe('POLICY_UNAVAILABLE');
    answer = { effect: 'allow' };
    expect(idOf(await bob.receive(message, { handle }))).toBe('ok');
  });

  test('is checked', async () => {
    const decide = () => ({ effect: 'allow' });
    const refused = (policy: unknown) => optionRefusedBy(() => Agent.quickstart({ policy } as AgentOptions));
    expect(await refused({ maxMessageSize: 0 })).toBe('maxMessageSize');
    expect(await refused({ rateLimits: { perMinute: 1 } })).toBe('perMinute');
    expect(await refused({ allowedScope: [] })).toBe('allowedScope');
    expect(await refused(7)).toBe('policy');
    expect(await refused({ decide, timeoutMs: -1 })).toBe('policy');
    expect(await optionRefusedBy(() => BaseAgent.quickstart({ policy: {} }))).toBe('policy');
  });
});

test('as it is written in the papers', async () => {
  const policy = await PolicyEngine.create({
    rules: [
      { scope: 'finance', require: ['2FA', 'audit-log'] },
      { scope: 'public', require: ['rate-limit'] },
    ],
    onWarning: () => {},
  });
  unwrap(await Agent.create({ name: 'payment-service', policy }));

  const myIdentity = unwrap(await generateIdentity());
  const recipient = unwrap(await generateIdentity());
  const registry = new MemoryTrustRegistry();
  unwrap(
    await registry.register(
      recipient.did,
      recipient.publicKey,
      'Analytics Service',
      ['analytics'],
      undefined,
      undefined,
      undefined,
      false,
      ['payments', 'orders'],
    ),
  );
  const agent = new Agent({
    name: 'payments-service',
    identity: myIdentity,
    trustRegistry: registry,
    transport: new LoopbackTransport(),
    policy: {
      maxMessageSize: 1024 * 1024,
      rateLimits: { maxPerMinute: 100, maxPerHour: 5000 },
      allowedScopes: ['payments', 'orders'],
      requireMutualTrust: true,
    },
  });
  const blocked = await agent.send({ to: recipient.did, payload: {}, scope: 'admin' });
  expect(blocked.ok ? '' : blocked.error.code).toBe('SCOPE_VIOLATION');
});
