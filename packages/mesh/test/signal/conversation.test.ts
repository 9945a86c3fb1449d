import { describe, expect, test } from '@jest/globals';
import { bytes, idOf, World } from './support.js';

describe.each([{ kemRatchet: false }, { kemRatchet: true }])('a conversation, %j', (options) => {
  test('begins while the peer is away, goes back and forth, and turns', async () => {
    const world = new World();
    const bob = await world.peer('bob', options);
    const alice = await world.peer('alice', options);
    expect(await alice.provider.canReach({ did: bob.did })).toEqual({
      ...{ state: 'offline', why: 'prekeys', postQuantum: true },
    });
    for (const message of ['1', '2', '3']) await alice.send(bob, message);
    expect(bob.inbox).toEqual([]);
    await world.post.deliver();
    expect(bob.inbox).toEqual(['1', '2', '3']);
    for (let round = 0; round < 5; round++) {
      await bob.send(alice, `b${round}`);
      await alice.send(bob, `a${round}`);
      await world.post.deliver();
      await bob.send(alice, `c${round}`);
      await world.post.deliver();
    }
    expect(alice.inbox.filter((one) => one.startsWith('b'))).toEqual(['b0', 'b1', 'b2', 'b3', 'b4']);
    expect(alice.inbox).toHaveLength(10);
    expect(bob.inbox.slice(3)).toEqual(['a0', 'a1', 'a2', 'a3', 'a4']);
    expect(alice.told('session-opened')).toEqual([
      { type: 'session-opened', did: bob.did, by: 'local', lastResort: false, rekey: false },
    ]);
    expect(bob.told('session-opened')).toMatchObject([{ did: alice.did, by: 'peer', lastResort: false }]);
    expect([alice.refused, bob.refused]).toEqual([[], []]);
  });

  test('takes what comes late and in another order once', async () => {
    const world = new World();
    const [bob, alice] = [await world.peer('bob', options), await world.peer('alice', options)];
    for (const message of ['1', '2', '3', '4']) await alice.send(bob, message);
    const first = world.post.take();
    for (const at of [2, 0, 3]) await world.post.hand(first[at]!);
    await bob.send(alice, 'turn');
    await world.post.deliver();
    await alice.send(bob, '5');
    await world.post.deliver();
    await world.post.hand(first[1]!);
    expect(bob.inbox).toEqual(['3', '1', '4', '5', '2']);
    for (const parcel of first) await world.post.hand(parcel);
    expect(bob.inbox).toHaveLength(5);
    expect(bob.refused).toEqual(Array(4).fill('SIGNAL_DUPLICATE'));
    expect((await bob.provider.status()).sessions).toMatchObject([{ skipped: 0, confirmed: true }]);
  });
});

test('both may begin at the same time, and go on in one session', async () => {
  const world = new World();
  const [bob, alice] = [await world.peer('bob'), await world.peer('alice')];
  await Promise.all([alice.send(bob, 'from alice'), bob.send(alice, 'from bob')]);
  await world.post.deliver();
  expect([alice.inbox, bob.inbox]).toEqual([['from bob'], ['from alice']]);
  for (let round = 0; round < 4; round++) {
    await Promise.all([alice.send(bob, `a${round}`), bob.send(alice, `b${round}`)]);
    await world.post.deliver();
  }
  expect([alice.inbox.at(-1), bob.inbox.at(-1)]).toEqual(['b3', 'a3']);
  const [a, b] = [await alice.provider.status(), await bob.provider.status()];
  expect([a.sessions[0]!.confirmed, b.sessions[0]!.confirmed]).toEqual([true, true]);
});

test('close ends the channel on both sides, and the session goes on', async () => {
  const world = new World();
  const [bob, alice] = [await world.peer('bob', { rolesOf: () => ['worker'] }), await world.peer('alice')];
  const channel = await alice.to(bob);
  await channel.send(bytes('task'));
  await world.post.deliver();
  const other = await bob.to(alice);
  expect(other.peer).toEqual({ did: alice.did, roles: ['worker'] });
  await channel.close('done');
  await world.post.deliver();
  expect(await channel.closed).toEqual({ by: 'local', reason: 'done' });
  expect(await other.closed).toEqual({ by: 'peer', reason: 'done' });
  expect(await idOf(() => channel.send(bytes('more')))).toBe('CHANNEL_CLOSED');
  await alice.send(bob, 'again');
  await world.post.deliver();
  expect(bob.inbox).toEqual(['task', 'again']);
  expect(alice.told('session-opened')).toHaveLength(1);
});
