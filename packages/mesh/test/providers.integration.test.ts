import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  DualModeAdapter,
  createKeyRecord as keysOf,
  LoopbackTransport,
  xlinkFetch,
} from '@private.me/xlink';
import express from 'express';
import {
  EnvelopeProvider,
  type RouterEvent,
  type SecureChannel,
  SecureMeshRouter,
  ServiceProvider,
} from '../src/index.js';
import {
  afterTest,
  bytes,
  failureOf,
  heard,
  identityOf,
  idOfFailure,
  listen,
  providerOf,
  registryOf,
  until,
} from './support.js';

const SCOPES = ['mesh:channel', 'orders'];

describe('envelopes', () => {
  test('each message is an envelope; answers come over the same channel', async () => {
    const transport = new LoopbackTransport();
    const registry = await registryOf();
    const agentOf = async (name: string) => {
      const identity = await identityOf(name);
      await registry.register({
        did: identity.did,
        keys: await keysOf(identity),
        sendScopes: SCOPES,
        receiveScopes: SCOPES,
      });
      return new Agent({ identity, registry, transport });
    };
    const [alice, bob] = [await agentOf('alice'), await agentOf('bob')];
    const [atAlice, atBob] = [new EnvelopeProvider({ agent: alice }), new EnvelopeProvider({ agent: bob })];
    const incoming: SecureChannel[] = [];
    const others: unknown[] = [];
    atAlice.listen(() => {});
    atBob.listen(
      (channel) => void incoming.push(channel),
      ({ payload }) => void others.push(payload),
    );
    expect(await atAlice.canReach({ did: bob.did })).toEqual({ state: 'offline', postQuantum: true });
    expect((await atAlice.canReach({ did: (await identityOf('nobody')).did })).state).toBe('unsupported');
    const channel = await atAlice.open({ did: bob.did });
    const answers = heard(channel);
    await channel.send(bytes('hello'));
    const other = await until('a channel', () => incoming[0]);
    expect(other.peer.did).toBe(alice.did);
    const texts = heard(other);
    await until('the message', () => texts.length === 1);
    await other.send(bytes('hello yourself'));
    await until('the answer', () => answers.length === 1);
    await alice.send({ to: bob.did, scope: 'orders', payload: 'tea' });
    await until('what is none of a channel', () => others.length === 1);
    expect([texts, answers, others]).toEqual([['hello'], ['hello yourself'], ['tea']]);
    await channel.close();
    expect(await idOfFailure(() => channel.send(bytes('more')))).toBe('CHANNEL_CLOSED');
    await registry.revoke(alice.did);
    const again = await atAlice.open({ did: bob.did });
    await again.send(bytes('still there?')).catch(() => {});
    expect(incoming).toHaveLength(1);
  });
});

describe('services', () => {
  test('a session where there are some, envelopes where there are none, and the answer is the next message', async () => {
    const registry = await registryOf();
    const [caller, serviceIdentity] = await Promise.all([identityOf('caller'), identityOf('service')]);
    for (const identity of [caller, serviceIdentity])
      await registry.register({
        did: identity.did,
        keys: await keysOf(identity),
        sendScopes: SCOPES,
        receiveScopes: SCOPES,
      });
    const serve = async (sessions: boolean) => {
      const agent = new Agent({ identity: serviceIdentity, registry });
      const adapter = new DualModeAdapter({
        agent,
        legacyKeyValidator: () => null,
        mode: 'xlink-only',
        sessions,
      });
      const app = express();
      app.use(adapter.middleware());
      app.post(
        '/orders',
        express.raw({ type: () => true }),
        (req, res) => void res.send(`taken: ${req.body}`),
      );
      app.post('/no', (_, res) => void res.status(422).send('no'));
      const server = createServer(app).listen(0, '127.0.0.1');
      await once(server, 'listening');
      afterTest(() => {
        server.close();
        server.closeAllConnections();
      });
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    const agent = new Agent({ identity: caller, registry });
    const discover = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };
    const provider = (kind: 'session' | 'envelope') =>
      new ServiceProvider({
        kind,
        discover,
        fetch: xlinkFetch({ agent, session: kind === 'session', ...discover }),
      });
    const events: RouterEvent[] = [];
    const router = new SecureMeshRouter({
      providers: [provider('session'), provider('envelope')],
      upgradeMs: 0,
      observers: [(event) => void events.push(event)],
    });
    for (const [sessions, kind] of [
      [true, 'session'],
      [false, 'envelope'],
    ] as const) {
      const channel = await router.establishChannel(`${await serve(sessions)}/orders`);
      expect([channel.kind, channel.peer.did]).toEqual([kind, serviceIdentity.did]);
      const answers = heard(channel);
      await channel.send(bytes('tea'));
      await channel.send(bytes('milk'));
      await until('both answers', () => answers.length === 2);
      expect(answers).toEqual(['taken: tea', 'taken: milk']);
    }
    const refusing = await router.establishChannel(`${await serve(true)}/no`);
    const error = await failureOf(() => refusing.send(bytes('tea')));
    expect([error.id, error.cause]).toEqual(['SERVICE_REFUSED', { status: 422 }]);
    const nowhere = await failureOf(() => router.establishChannel('http://127.0.0.1:1/'));
    expect(nowhere.id).toBe('ROUTE_NOT_FOUND');
  });
});

describe('the router over real Noise', () => {
  test('both sides have one channel, whoever opened it; where the listener is gone, it is unreachable', async () => {
    const [alice, bob] = await Promise.all([identityOf('alice'), identityOf('bob')]);
    const registry = await registryOf(alice, bob);
    const [atAlice, atBob] = [
      providerOf({ identity: alice, registry }),
      providerOf({ identity: bob, registry }),
    ];
    const router = new SecureMeshRouter({ providers: [atAlice], roles: { [bob.did]: ['storage'] } });
    const other = new SecureMeshRouter({ providers: [atBob], roles: { [alice.did]: ['planner'] } });
    afterTest(() => Promise.all([router.close(), other.close()]));
    const listening = await listen(atBob, 'tcp://127.0.0.1:0');
    const channel = await router.establishChannel(bob.did, { addresses: [listening.address] });
    other.accept(await listening.next());
    const back = await other.establishChannel(alice.did);
    expect([channel.peer.roles, back.peer.roles]).toEqual([['storage'], ['planner']]);
    const texts = heard(channel);
    await back.send(bytes('hello'));
    await until('it', () => texts.length === 1);
    await registry.revoke(alice.did);
    expect((await back.closed).by).toBe('revoked');
    await listening.close();
    await channel.closed;
    expect(
      await idOfFailure(() => router.establishChannel(bob.did, { addresses: [listening.address] })),
    ).toBe('ROUTE_NOT_FOUND:UNREACHABLE');
  });
});
