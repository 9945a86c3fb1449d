import { describe, expect, test } from '@jest/globals';
import { type Agent, GatewayTransport, MemoryTrustRegistry } from '@private.me/xlink';
import { WebSocket } from 'ws';
import { SOCKET_REQUEST } from '../../src/transport/relay-protocol.js';
import { afterTest } from '../support/after-test.js';
import { unwrap } from '../support/results.js';
import { until } from '../support/until.js';
import type { RunningRelay } from '../transport/servers.js';
import { type Answer, codeOf, idsOf, post, proof, pull, world } from './support.js';

/** A relay for the members of a registry: alice and bob. */
async function club() {
  const members = new MemoryTrustRegistry();
  const asked: string[] = [];
  const registry = {
    lookup: (did: string) => {
      asked.push(did);
      return members.lookup(did);
    },
  };
  const made = await world({ registry });
  for (const { did } of [made.alice, made.bob]) unwrap(await members.register(made.registry.lookup(did)!));
  return { ...made, members, asked };
}

/** A socket that has shown that it is the agent's, and what comes over it. */
async function socketOf(agent: Agent, running: RunningRelay) {
  const socket = new WebSocket(`${running.url.replace('http', 'ws')}/relay/socket`);
  const frames: Answer['body'][] = [];
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  socket.on('message', (data) => void frames.push(JSON.parse(String(data))));
  afterTest(async () => socket.terminate());
  await new Promise((resolve) => socket.once('open', resolve));
  const say = async (what: object) => {
    const before = frames.length;
    socket.send(JSON.stringify(what));
    await until(() => frames.length > before, { what: 'a frame' });
    return frames.at(-1)!;
  };
  expect(await say(await proof(agent, running, {}, SOCKET_REQUEST))).toEqual({ ready: true });
  const next = async () => {
    const before = frames.length;
    await until(() => frames.length > before, { what: 'a frame' });
    return frames.at(-1)!;
  };
  return { say, next, closed, ask: (what: object) => say({ ack: [], after: '', waitMs: 0, ...what }) };
}

describe('a DID that is not admitted', () => {
  test('leaves no proof behind: the same one is good once it is admitted', async () => {
    const { running, person, members, registry } = await club();
    const carol = await person('carol');
    const once = await proof(carol, running, {});
    const send = () => post(running.url, '/relay/receive', once);
    for (let n = 0; n < 3; n++) expect(codeOf(await send())).toBe('RELAY_NOT_ALLOWED');
    unwrap(await members.register(registry.lookup(carol.did)!));
    expect((await send()).status).toBe(200);
    expect(codeOf(await send())).toBe('REPLAY_DETECTED');
  });
});

describe('a member that is revoked', () => {
  test('gets nothing more over an open socket, and removes nothing', async () => {
    const { running, members, alice, bob } = await club();
    const { ask, closed } = await socketOf(bob, running);
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    expect((await ask({})).messages).toHaveLength(1);
    unwrap(await members.revoke(bob.did));
    expect(await ask({ ack: ['1'] })).toMatchObject({ code: 'RELAY_NOT_ALLOWED', status: 403 });
    expect(await closed).toBe(1008);
    expect(running.store.list(bob.did, '', 10)).toHaveLength(1);
  });

  test.each(['socket', 'long poll'])('gets nothing that comes while it waits: %s', async (way) => {
    const { running, members, alice, bob } = await club();
    const watched = new Promise<void>((resolve) => {
      const watch = running.store.watch.bind(running.store);
      running.store.watch = (...of) => {
        resolve();
        return watch(...of);
      };
    });
    const socket = way === 'socket' ? await socketOf(bob, running) : undefined;
    const waiting = socket
      ? socket.ask({ waitMs: 20_000 })
      : pull(bob, running, { waitMs: 20_000 }).then(({ body }) => body);
    await watched;
    unwrap(await members.revoke(bob.did));
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    await running.store.add({ envelope, bytes: 100, copiesForMs: 361_000 }); // another relay took it a moment before
    expect(await waiting).toMatchObject({ code: 'RELAY_NOT_ALLOWED' });
    expect(running.store.list(bob.did, '', 10)).toHaveLength(1);
  });

  test.each(['idle socket', 'waiting socket', 'long poll'])(
    'is sent away at once where the registry tells of it, and nobody else: %s',
    async (way) => {
      const members = new MemoryTrustRegistry();
      const { running, registry, alice, bob } = await world({ registry: members });
      for (const { did } of [alice, bob]) unwrap(await members.register(registry.lookup(did)!));
      const watched: string[] = [];
      const watch = running.store.watch.bind(running.store);
      running.store.watch = (did, wake) => {
        watched.push(did);
        return watch(did, wake);
      };
      const stays = pull(alice, running, { waitMs: 20_000 });
      const socket = way === 'long poll' ? undefined : await socketOf(bob, running);
      const told =
        way === 'idle socket'
          ? socket!.next()
          : (socket?.ask({ waitMs: 20_000 }) ??
            pull(bob, running, { waitMs: 20_000 }).then(({ body }) => body));
      const waiting = way === 'idle socket' ? [alice.did] : [alice.did, bob.did];
      await until(() => waiting.every((did) => watched.includes(did)), { what: 'all to wait' });
      const began = performance.now();
      unwrap(await members.updateScopes(bob.did, { scopes: ['a'] })); // a change that ends nothing
      unwrap(await members.revoke(bob.did));
      expect(await told).toMatchObject({ code: 'RELAY_NOT_ALLOWED', status: 403 });
      if (socket) expect(await socket.closed).toBe(1008);
      expect(performance.now() - began).toBeLessThan(5000);
      unwrap(await alice.send({ to: alice.did, payload: 1 }));
      expect(idsOf(await stays)).toHaveLength(1);
    },
  );

  test('has its socket closed as one that may come again where the registry cannot be asked', async () => {
    let isAway = false;
    const { running, bob } = await world({
      admits: async () => {
        if (isAway) throw new Error('the registry is away');
        return true;
      },
    });
    const { ask, closed } = await socketOf(bob, running);
    isAway = true;
    expect(await ask({})).toMatchObject({ code: 'LOOKUP_FAILED', status: 503 });
    expect(await closed).toBe(1013);
  });

  test.each([{ webSocket: WebSocket as never }, {}])(
    'hears why, and goes on when it is back: %#',
    async (how) => {
      const { running, members, registry, person, alice } = await club();
      const heard: unknown[] = [];
      const transport = new GatewayTransport({
        relayUrl: running.url,
        waitMs: 50,
        backoff: () => 20,
        onError: (error) => void heard.push((error as { id?: unknown }).id),
        ...how,
      });
      afterTest(async () => transport.dispose());
      const dora = await person('dora', { transport });
      unwrap(await members.register(registry.lookup(dora.did)!));
      const got: unknown[] = [];
      dora.onMessage(({ payload }) => void got.push(payload));
      unwrap(await alice.send({ to: dora.did, payload: 'before' }));
      await until(() => got.length === 1, { what: 'the first message' });
      unwrap(await members.revoke(dora.did));
      await until(() => heard.includes('RELAY_NOT_ALLOWED'), { what: 'the refusal' });
      unwrap(await members.add(dora.did));
      unwrap(await alice.send({ to: dora.did, payload: 'after' }));
      await until(() => got.length === 2, { what: 'the second message' });
      expect(got).toEqual(['before', 'after']);
    },
  );
});

test('messages that wait are handed out for one look at the registry', async () => {
  const { running, asked, alice, bob } = await club();
  unwrap(await alice.send({ to: bob.did, payload: 1 }));
  asked.length = 0;
  expect(idsOf(await pull(bob, running))).toEqual(['1']);
  expect(asked).toEqual([bob.did]);
});
