import { describe, expect, test } from '@jest/globals';
import type { SignalChannel } from '../../src/signal/index.js';
import { idOf, type Peer, text, World } from './support.js';

const HOUR = 3_600_000;

describe('heartbeats', () => {
  test('turn a ratchet that has not turned for six hours, on both sides', async () => {
    const world = new World();
    const [bob, alice] = [await world.peer('bob'), await world.peer('alice')];
    await alice.send(bob, '1');
    await world.post.deliver();
    await bob.send(alice, '2');
    await world.post.deliver();
    world.now += 6 * HOUR - 1;
    await alice.provider.maintain();
    expect(alice.told('heartbeat')).toEqual([]);
    world.now += 1;
    await alice.provider.maintain();
    await alice.provider.maintain(); // once
    expect(alice.told('heartbeat')).toEqual([{ type: 'heartbeat', did: bob.did }]);
    await world.post.deliver();
    for (const peer of [alice, bob])
      expect((await peer.provider.status()).sessions).toMatchObject([{ ratchetAgeMs: 0 }]);
    expect([alice.inbox, bob.inbox]).toEqual([['2'], ['1']]);
  });

  test('that nobody answers end in an alert: the ratchet is stale', async () => {
    const world = new World();
    const [bob, alice] = [await world.peer('bob'), await world.peer('alice')];
    await alice.send(bob, '1');
    await world.post.deliver();
    await bob.provider.close();
    for (let hour = 0; hour < 24; hour += 6) {
      world.now += 6 * HOUR;
      await alice.provider.maintain();
    }
    expect(alice.told('ratchet-stale')).toEqual([{ type: 'ratchet-stale', did: bob.did, ageMs: 24 * HOUR }]);
    expect(alice.told('heartbeat')).toHaveLength(4);
    world.post.isDown = true;
    world.now += 6 * HOUR;
    await alice.provider.maintain();
    expect(alice.told('maintenance-failed')).toMatchObject([{ what: 'heartbeat', id: 'SIGNAL_SEND_FAILED' }]);
  });

  test('are switched off by 0', async () => {
    const world = new World();
    const bob = await world.peer('bob');
    const alice = await world.peer('alice', { heartbeatMs: 0, staleMs: 0 });
    await alice.send(bob, '1');
    world.now += 48 * HOUR;
    await alice.provider.maintain();
    expect([...alice.told('heartbeat'), ...alice.told('ratchet-stale')]).toEqual([]);
  });
});

test('an emergency rekey replaces prekeys and sessions: who has the old state reads nothing more', async () => {
  const world = new World();
  const [bob, carol, alice] = [await world.peer('bob'), await world.peer('carol'), await world.peer('alice')];
  await alice.send(bob, '1');
  await alice.send(carol, '1');
  await world.post.deliver();
  await alice.send(bob, 'under way');
  const old = world.post.take();
  expect(await alice.provider.emergencyRekey()).toEqual([]);
  await world.post.deliver();
  for (const peer of [bob, carol])
    expect(peer.told('session-opened').at(-1)).toMatchObject({ by: 'peer', rekey: true, did: alice.did });
  await world.post.hand(old[0]!); // bob has only the new session
  expect(bob.inbox).toEqual(['1']);
  expect(bob.refused).toEqual(['SIGNAL_PREKEY_UNKNOWN']);
  await world.post.deliver();
  await bob.send(alice, 'hello');
  await alice.send(bob, '2');
  await world.post.deliver();
  expect([alice.inbox, bob.inbox]).toEqual([['hello'], ['1', '2']]);
  expect((await alice.provider.status()).prekeysWaiting).toBeGreaterThanOrEqual(9);
});

describe('a peer that lost its state', () => {
  test('is found again by a new handshake, once a minute at most', async () => {
    const world = new World();
    let bob = await world.peer('bob');
    const alice = await world.peer('alice');
    await alice.send(bob, '1');
    await world.post.deliver();
    await bob.send(alice, '2');
    await world.post.deliver();
    await bob.provider.close();
    bob = await world.peer('bob'); // in memory: it knows nothing
    for (const message of ['3', '4', '5']) await alice.send(bob, message);
    await world.post.deliver();
    expect(bob.refused).toEqual(Array(3).fill('SIGNAL_UNKNOWN_SESSION'));
    expect(alice.told('session-opened')).toHaveLength(2);
    await alice.send(bob, '6');
    await world.post.deliver();
    expect(bob.inbox).toEqual(['6']);
  });

  test('whose messages are too far ahead gets a new handshake', async () => {
    const world = new World();
    const [bob, alice] = [await world.peer('bob', { limits: { maxJump: 5 } }), await world.peer('alice')];
    for (let n = 0; n < 8; n++) await alice.send(bob, String(n));
    const sent = world.post.take();
    await world.post.hand(sent[0]!);
    await world.post.hand(sent[7]!);
    await world.post.deliver();
    expect(bob.refused).toEqual(['SIGNAL_TOO_FAR']);
    await alice.send(bob, 'on');
    await world.post.deliver();
    expect(bob.inbox).toEqual(['0', 'on']);
  });
});

describe('messages', () => {
  test('that nobody listens for are not taken, and come again once somebody does', async () => {
    const world = new World();
    const bob = await world.provider('bob', { maxWaiting: 2 });
    const alice = await world.peer('alice');
    const send = async (message: string) => alice.send({ did: bob.did } as Peer, message);
    await send('1');
    const [first] = world.post.queue;
    expect(await idOf(() => bob.provider.receive(alice.did, first!.message))).toBe('SIGNAL_NO_LISTENER');
    await world.post.deliver();
    expect(world.post.queue).toEqual([first]);
    const inbox: string[] = [];
    let channel: SignalChannel | undefined;
    bob.provider.onChannel((one) => {
      channel = one; // without a listener: two wait in it
    });
    for (const message of ['2', '3']) await send(message);
    await world.post.deliver();
    expect(world.post.queue).toHaveLength(1);
    channel!.onMessage((data) => void inbox.push(text(data)));
    await world.post.deliver();
    expect(inbox).toEqual(['1', '2', '3']);
    expect(bob.events.filter(({ type }) => type === 'message-refused')).toEqual([]);
  });

  test('whose listener fails count as handed out, and it is told', async () => {
    const world = new World();
    const bob = await world.provider('bob');
    const alice = await world.peer('alice');
    const failure = new Error('the listener failed');
    bob.provider.onChannel((channel) => channel.onMessage(() => Promise.reject(failure)));
    await alice.send({ did: bob.did } as Peer, '1');
    await world.post.deliver();
    expect(world.post.queue).toEqual([]);
    expect(bob.events).toContainEqual({ type: 'listener-failed', did: alice.did, error: failure });
  });

  test('from another DID than the one that began are refused', async () => {
    const world = new World();
    const [bob, alice, eve] = [await world.peer('bob'), await world.peer('alice'), await world.peer('eve')];
    await alice.send(bob, '1');
    const [first] = world.post.take();
    await world.post.hand({ ...first!, from: eve.did });
    expect(bob.refused).toEqual(['SIGNAL_IDENTITY_MISMATCH']);
    await world.post.hand(first!);
    await alice.send(bob, '2');
    const [second] = world.post.take();
    const plain = await world.peer('mallory');
    await world.post.hand({ ...second!, from: plain.did });
    await world.post.hand(second!);
    expect(bob.inbox).toEqual(['1', '2']);
  });

  test('are not taken while the registry is down, and come again', async () => {
    const world = new World();
    const bob = await world.peer('bob');
    const alice = await world.peer('alice');
    await alice.send(bob, '1');
    const lookup = world.registry.lookup.bind(world.registry);
    world.registry.lookup = (() => Promise.reject(new Error('the registry is down'))) as never;
    const [first] = world.post.queue;
    expect(await idOf(() => bob.provider.receive(alice.did, first!.message))).toBe(
      'SIGNAL_REGISTRY_UNAVAILABLE',
    );
    await world.post.deliver();
    expect(world.post.queue).toHaveLength(1);
    world.registry.lookup = lookup;
    await world.post.deliver();
    expect(bob.inbox).toEqual(['1']);
  });

  test('that are too long are not sent, and not taken', async () => {
    const world = new World();
    const bob = await world.peer('bob', { maxMessageBytes: 100 });
    const alice = await world.peer('alice');
    expect(await idOf(() => bob.send(alice, 'x'.repeat(101)))).toBe('SIGNAL_MESSAGE_TOO_LARGE');
    await alice.send(bob, 'x'.repeat(10_000));
    await world.post.deliver();
    expect(bob.refused).toEqual(['SIGNAL_MESSAGE_TOO_LARGE']);
  });

  test('of any bytes are refused, whoever sends them', async () => {
    const world = new World();
    const [bob, alice] = [await world.peer('bob'), await world.peer('alice')];
    await alice.send(bob, '1');
    const { message } = world.post.take()[0]!;
    let good = 0;
    for (let at = 0; at < message.length; at += 13) {
      const changed = message.slice();
      changed[at]! ^= 0x80;
      const id = await idOf(() => bob.provider.receive(alice.did, changed));
      if (id === 'no error') good++;
      else
        expect(id).toMatch(
          /^SIGNAL_(MESSAGE_INVALID|IDENTITY_MISMATCH|PREKEY_UNKNOWN|DECRYPT_FAILED|UNKNOWN_SESSION|TOO_FAR)$/,
        );
    }
    expect(good).toBe(0);
    for (let length = 0; length < message.length; length += 37)
      expect(await idOf(() => bob.provider.receive(alice.did, message.slice(0, length)))).toMatch(/^SIGNAL_/);
    expect(await idOf(() => bob.provider.receive(alice.did, message))).toBe('no error');
    expect(bob.inbox).toEqual(['1']);
  });
});

test('options are checked', async () => {
  const world = new World();
  const agent = await world.agent('alice');
  const bad: [object, string][] = [
    [{ prekeyPoolsize: 1 }, 'prekeyPoolsize'],
    [{ prekeyPoolSize: 5 }, 'prekeyPoolSize'],
    [{ prekeyRefreshThreshold: 2 }, 'prekeyRefreshThreshold'],
    [{ lastResort: 'maybe' }, 'lastResort'],
    [{ limits: { jump: 1 } }, 'jump'],
    [{ heartbeatMs: -1 }, 'heartbeatMs'],
    [{ carrier: {} }, 'carrier'],
    [{ directory: undefined }, 'directory'],
  ];
  for (const [options, field] of bad) {
    const failed = await world.peer('alice', { agent, ...options }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ id: 'INVALID_OPTION', field });
  }
});
