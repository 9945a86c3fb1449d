import { once } from 'node:events';
import { cp, mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  DualModeAdapter,
  MemoryTrustRegistry,
  PolicyEngine,
  type RequestEvent,
} from '@private.me/xlink';
import { xlinkFetch } from '@private.me/xlink/client';
import express from 'express';
import Koa from 'koa';
import { Registry } from 'prom-client';
import {
  AgentDirectory,
  agentPolicy,
  type HumanOptions,
  makeUserKey,
  signRevocation,
  type TrustLevel,
  type X0xNode,
  x0xGuards,
} from '../src/index.js';
import { x0xGuards as koaGuards } from '../src/koa.js';
import { x0xMetrics } from '../src/metrics.js';
import { afterTest, idOfFailure, openNode, placesIn, startRelay, temporaryFolder, until } from './support.js';

type Route = { readonly trust: TrustLevel; readonly pinned?: boolean } | { readonly human: HumanOptions };
type Framework = 'Express' | 'Koa';

const demandOf = ({ pinned }: { readonly pinned?: boolean }) => (pinned === undefined ? {} : { pinned });

/** An API with one guarded route, and an instance beside it that knows whom it trusts. */
async function api(
  framework: Framework,
  route: Route,
  options: { relayUrl?: string; policy?: PolicyEngine } = {},
) {
  const { relayUrl, policy } = options;
  const folder = await temporaryFolder();
  const node = await openNode(folder, 'api', relayUrl === undefined ? {} : { relayUrl });
  const registry = new MemoryTrustRegistry();
  const agent = await Agent.quickstart({ registry, name: 'api' });
  const events: RequestEvent[] = [];
  const adapter = new DualModeAdapter({
    agent,
    mode: 'hybrid',
    legacyKeyValidator: (key) => (key === 'good' ? { plan: 'free' } : null),
    observers: [(event) => event.type === 'request' && void events.push(event)],
    ...(policy ? { policy } : {}),
  });
  const register = new Registry();
  const directory = new AgentDirectory({ registry, crypto: node.identity.xlink.crypto });
  const settings = { node, directory, did: agent.did, observers: [x0xMetrics({ register })] };
  const handled: string[] = [];
  const server = createServer(framework === 'Express' ? expressApp() : koaApp()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => {
    server.close();
    server.closeAllConnections();
    adapter.close();
  });
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  return { url, node, agent, registry, directory, handled, events, register, call };

  function expressApp() {
    const guards = x0xGuards(settings);
    const app = express().use(adapter.middleware(), express.json());
    app.post(
      '/orders',
      'trust' in route ? guards.requireTrust(route.trust, demandOf(route)) : guards.requireHuman(route.human),
      (req, res) => {
        handled.push(req.url);
        res.json({ done: true });
      },
    );
    return app;
  }

  function koaApp() {
    const guards = koaGuards(settings);
    const app = new Koa();
    app.use(adapter.koa());
    app.use(
      'trust' in route ? guards.requireTrust(route.trust, demandOf(route)) : guards.requireHuman(route.human),
    );
    app.use((ctx) => {
      handled.push(ctx.url);
      ctx.body = { done: true };
    });
    return app.callback();
  }

  /** Calls as an instance, from its machine if it proves that. */
  async function call(by: X0xNode, headers: Record<string, string> = {}) {
    const { record } = await by.contact();
    await registry.register({ did: record.did, keys: record, sendScopes: ['*'], receiveScopes: ['*'] });
    const caller = new Agent({ identity: by.identity.xlink, registry });
    const fetch = xlinkFetch({ agent: caller, baseUrl: url, sealedAnswers: false });
    const answer = await fetch('/orders', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{}',
    });
    const { code, reason, done } = (await answer.json()) as Record<string, unknown>;
    return done === true ? 'done' : `${answer.status} ${code} ${reason}`;
  }
}

const proof = (by: X0xNode, { agent }: { agent: Agent }) => ({ 'x0x-machine': by.proveMachine(agent.did) });

describe.each<Framework>(['Express', 'Koa'])('requireTrust with %s', (framework) => {
  test('lets in who is known well enough, and says why it lets in nobody else', async () => {
    const service = await api(framework, { trust: 'known' });
    const { node, call, handled } = service;
    const folder = await temporaryFolder();
    const caller = await openNode(folder, 'caller');
    const { id } = caller.identity.agent;
    expect(await call(caller)).toBe('403 CALLER_REFUSED TRUST_TOO_LOW');
    await node.contacts.setTrust(id, 'unknown');
    expect(await call(caller)).toBe('403 CALLER_REFUSED TRUST_TOO_LOW');
    await node.contacts.setTrust(id, 'known');
    expect(await call(caller)).toBe('done');
    await node.contacts.setTrust(id, 'blocked');
    expect(await call(caller)).toBe('403 CALLER_REFUSED AGENT_BLOCKED');
    await node.contacts.setTrust(id, 'trusted');
    expect(await call(caller)).toBe('done');
    await node.contacts.revoke(id, 'stolen');
    expect(await call(caller)).toBe('403 CALLER_REFUSED AGENT_REVOKED');
    expect(handled).toHaveLength(2);
  });

  test('a pinned agent shows its machine; that of another one, or a proof for another service, is none', async () => {
    const service = await api(framework, { trust: 'known' });
    const { node, call } = service;
    const folder = await temporaryFolder();
    const caller = await openNode(folder, 'caller');
    const { agent, machine } = caller.identity;
    await node.contacts.setTrust(agent.id, 'known');
    expect(await call(caller, proof(caller, service))).toBe('done');
    await node.contacts.addMachine(agent.id, machine.id);
    await node.contacts.pin(agent.id, machine.id);
    expect(await call(caller)).toBe('403 CALLER_REFUSED MACHINE_PROOF_MISSING');
    expect(await call(caller, proof(caller, service))).toBe('done');
    expect(await call(caller, { 'x0x-machine': caller.proveMachine('did:key:other') })).toBe(
      '403 CALLER_REFUSED MACHINE_PROOF_INVALID',
    );

    // The agent key and its seed on another machine: the same agent, and the same DID.
    await mkdir(placesIn(folder, 'elsewhere').identityDir, { recursive: true });
    for (const file of ['agent.key', 'xlink.pkcs8'])
      await cp(
        join(placesIn(folder, 'caller').identityDir, file),
        join(placesIn(folder, 'elsewhere').identityDir, file),
      );
    const moved = await openNode(folder, 'elsewhere');
    expect(moved.identity.agent.id).toBe(agent.id);
    expect(await call(moved, proof(moved, service))).toBe('403 CALLER_REFUSED MACHINE_MISMATCH');
    await node.contacts.addMachine(agent.id, moved.identity.machine.id);
    await node.contacts.pin(agent.id, moved.identity.machine.id);
    expect(await call(moved, proof(moved, service))).toBe('done');
  });

  test('an agent whose key came from elsewhere is known by the statement of both', async () => {
    const service = await api(framework, { trust: 'known' });
    const { node, call } = service;
    const folder = await temporaryFolder();
    const first = await openNode(folder, 'first');
    await mkdir(placesIn(folder, 'second').identityDir, { recursive: true });
    await cp(
      join(placesIn(folder, 'first').identityDir, 'agent.key'),
      join(placesIn(folder, 'second').identityDir, 'agent.key'),
    );
    const second = await openNode(folder, 'second');
    await node.contacts.setTrust(first.identity.agent.id, 'known');
    expect(await call(second)).toBe('403 CALLER_REFUSED TRUST_TOO_LOW'); // its DID is that of another agent
    await node.importCard((await second.card()).link);
    expect(await call(second)).toBe('done');
  });

  test('with pinned: an agent that is not pinned is none, however trusted', async () => {
    const service = await api(framework, { trust: 'known', pinned: true });
    const { node, call } = service;
    const caller = await openNode(await temporaryFolder(), 'caller');
    const { agent, machine } = caller.identity;
    await node.contacts.setTrust(agent.id, 'trusted');
    expect(await call(caller, proof(caller, service))).toBe('403 CALLER_REFUSED MACHINE_NOT_PINNED');
    await node.contacts.addMachine(agent.id, machine.id);
    await node.contacts.pin(agent.id, machine.id);
    expect(await call(caller)).toBe('403 CALLER_REFUSED MACHINE_PROOF_MISSING');
    expect(await call(caller, proof(caller, service))).toBe('done');
    await node.revocations.add(signRevocation(machine, { kind: 'machine', id: machine.id }, node.now()));
    expect(await call(caller, proof(caller, service))).toBe('403 CALLER_REFUSED AGENT_REVOKED');
  });

  test('a key is no agent', async () => {
    const { url } = await api(framework, { trust: 'known' });
    const answer = await fetch(`${url}/orders`, { method: 'POST', headers: { 'x-api-key': 'good' } });
    expect([answer.status, ((await answer.json()) as Record<string, unknown>)['reason']]).toEqual([
      403,
      'XLINK_REQUIRED',
    ]);
  });
});

describe.each<Framework>(['Express', 'Koa'])('requireHuman with %s', (framework) => {
  test('lets in an agent with a human behind it, after she said so, and only those humans who are listed', async () => {
    const relayUrl = await startRelay();
    const folder = await temporaryFolder();
    const userId = await makeUserKey(placesIn(folder, 'caller'));
    const service = await api(framework, { human: {} }, { relayUrl });
    const strict = await api(framework, { human: { users: ['0'.repeat(64)] } }, { relayUrl });
    const caller = await openNode(folder, 'caller', { relayUrl });
    for (const { node } of [service, strict]) {
      await node.importCard((await caller.card()).link);
      await caller.importCard((await node.card()).link);
    }
    expect(await service.call(caller)).toBe('403 CALLER_REFUSED HUMAN_REQUIRED');
    const isHeard = ({ node }: typeof service) =>
      node.discovery.get(caller.identity.agent.id, node.now())?.source === 'announcement';
    await caller.announce(); // in the same second as the next one, as a rule
    await until('it is heard of', () => isHeard(service));
    expect(await service.call(caller)).toBe('403 CALLER_REFUSED HUMAN_REQUIRED');
    await caller.announce({ includeUserIdentity: true, humanConsent: true });
    const knows = ({ node }: typeof service) =>
      node.discovery.get(caller.identity.agent.id, node.now())?.userId === userId;
    await until('the human is known', () => knows(service) && knows(strict));
    expect(await service.call(caller)).toBe('done');
    expect(await strict.call(caller)).toBe('403 CALLER_REFUSED OTHER_HUMAN');
  });
});

test('decisions are counted by guard and reason, and the adapter counts refusals', async () => {
  const { node, call, register, events } = await api('Express', { trust: 'known' });
  const caller = await openNode(await temporaryFolder(), 'caller');
  await call(caller);
  await node.contacts.setTrust(caller.identity.agent.id, 'known');
  await call(caller);
  const text = await register.metrics();
  expect(text).toContain('x0x_guard_decisions_total{guard="trust",outcome="TRUST_TOO_LOW"} 1');
  expect(text).toContain('x0x_guard_decisions_total{guard="trust",outcome="ok"} 1');
  expect(text).not.toContain(caller.identity.agent.id);
  await until('both are over', () => events.length === 2);
  expect(events.map(({ outcome, reason }) => `${outcome} ${reason}`)).toEqual([
    'refused CALLER_REFUSED',
    'accepted ok',
  ]);
});

test('a policy names agents: it follows what the registry knows, and an agent that is not known is nobody', async () => {
  const caller = await openNode(await temporaryFolder(), 'caller');
  const other = await openNode(await temporaryFolder(), 'other');
  const registry = new MemoryTrustRegistry();
  const directory = new AgentDirectory({ registry, crypto: caller.identity.xlink.crypto });
  const rules = [
    { scope: '*', from: `x0x:${caller.identity.agent.id}` },
    { scope: '*', from: [`x0x:${'0'.repeat(64)}`] },
  ];
  const source = agentPolicy({ rules, otherwise: 'deny' }, directory);
  expect(JSON.parse(await source.load())).toEqual({ rules: [], otherwise: 'deny' });
  const engine = await PolicyEngine.create({ source, onWarning: () => {} });
  afterTest(() => engine.close());
  const effectFor = async (by: X0xNode) => {
    const request = { proof: 'envelope', from: by.identity.xlink.did, scopes: ['orders'] } as const;
    return (await engine.decide({ ...request, at: Date.now(), mutualTrust: true })).effect;
  };
  expect([await effectFor(caller), await effectFor(other)]).toEqual(['deny', 'deny']);
  const { revision } = engine;
  const { record } = await caller.contact();
  await registry.register({ did: record.did, keys: record });
  await until('the policy is read again', () => engine.revision > revision);
  expect(JSON.parse(await source.load()).rules).toEqual([{ id: 'rule-1', scope: '*', from: [record.did] }]);
  expect([await effectFor(caller), await effectFor(other)]).toEqual(['allow', 'deny']);
  await registry.revoke(record.did);
  await until('the policy is read again', () => engine.revision > revision + 1);
  expect(await effectFor(caller)).toBe('deny');
});

test('a policy with something that is no agent is refused', async () => {
  const node = await openNode(await temporaryFolder(), 'a');
  const policy = { rules: [{ from: ['did:key:z', 'x0x:abc'] }] };
  expect(await idOfFailure(() => agentPolicy(policy, node.directory))).toBe('INVALID_OPTION');
  const source = agentPolicy({ load: async () => JSON.stringify(policy) }, node.directory);
  expect(await idOfFailure(() => source.load())).toBe('INVALID_OPTION');
  await expect(PolicyEngine.create({ source })).rejects.toThrow();
});
