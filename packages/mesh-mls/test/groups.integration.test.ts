import { expect, test } from '@jest/globals';
import {
  agentAt,
  bytes,
  clientAt,
  faultsOf,
  groupIn,
  groupOf,
  revoke,
  startServer,
  until,
} from './support.js';

test('agents make a group, talk, come, go, and have the same secrets in every epoch', async () => {
  const place = await startServer();
  const alice = await clientAt(place, 'alice');
  const bob = await clientAt(place, 'bob');
  const carol = await clientAt(place, 'carol');
  const group = await groupOf(alice, bob);
  expect(group.members).toEqual([alice.did, bob.did]);
  await group.send(bytes('hello bob'));
  await until('bob hears', () => bob.inbox.length === 1);
  const bobs = await groupIn(bob, group.id);
  await bobs.send(bytes('hello alice'));
  await until('alice hears', () => alice.inbox.length === 1);
  await bobs.add(carol.did);
  const carols = await groupIn(carol, group.id);
  await carols.send(bytes('hello all'));
  await until('all hear', () => alice.inbox.length === 2 && bob.inbox.length === 2);
  expect(carol.inbox).toEqual([]);
  await carols.rekey();
  await groupIn(alice, group.id, 3);
  await groupIn(bob, group.id, 3);
  const prints = [group, bobs, carols].map((one) => one.fingerprint());
  expect(new Set(prints).size).toBe(1);
  await bobs.leave();
  await until('bob is gone', () => !bobs.isActive && group.members.length === 2);
  await expect(bobs.send(bytes('late'))).rejects.toMatchObject({ id: 'REMOVED' });
  expect(group.members).toEqual([alice.did, carol.did]);
  await group.send(bytes('without bob'));
  await until('carol hears', () => carol.inbox.length === 1);
  expect(bob.inbox).toEqual(['hello bob', 'hello all']);
  expect([alice, bob, carol].flatMap(faultsOf)).toEqual([]);
});

test('a removed member reads nothing that follows, and may be added again', async () => {
  const place = await startServer();
  const alice = await clientAt(place, 'alice');
  const bob = await clientAt(place, 'bob');
  const group = await groupOf(alice, bob);
  const before = await groupIn(bob, group.id);
  await group.remove(bob.did);
  await group.send(bytes('secret'));
  await until('bob knows', () => bob.events.some(({ type }) => type === 'removed'));
  await expect(before.send(bytes('x'))).rejects.toMatchObject({ id: 'REMOVED' });
  await group.add(bob.did);
  const again = await until('bob is back', () => {
    const now = bob.client.group(group.id);
    return now?.isActive ? now : undefined;
  });
  await group.send(bytes('welcome back'));
  await until('bob hears', () => bob.inbox.length > 0);
  expect(bob.inbox).toEqual(['welcome back']);
  expect(again.fingerprint()).toBe(group.fingerprint());
});

test('a revoked DID is removed by itself, cannot be added, and gets nothing in between', async () => {
  const place = await startServer();
  const alice = await clientAt(place, 'alice');
  const bob = await clientAt(place, 'bob');
  const mallory = await clientAt(place, 'mallory');
  const group = await groupOf(alice, bob, mallory);
  await revoke(place, mallory.did);
  await until('mallory is removed', () => !group.members.includes(mallory.did));
  await group.send(bytes('only for bob'));
  await until('bob hears', () => bob.inbox.length === 1);
  expect(mallory.inbox).toEqual([]);
  await expect(group.add(mallory.did)).rejects.toMatchObject({ id: 'MEMBER_REVOKED' });
  const stranger = await agentAt(place, 'stranger');
  await expect(group.add(stranger.did)).rejects.toMatchObject({ id: 'KEY_PACKAGE_ABSENT' });
});

test('commits of several members at once: each is applied, by all, in one order', async () => {
  const place = await startServer();
  const clients = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => clientAt(place, name)));
  const newcomers = await Promise.all(['v', 'w', 'x', 'y', 'z'].map((name) => clientAt(place, name)));
  const group = await groupOf(clients[0]!, ...clients.slice(1));
  const groups = await Promise.all(clients.map((one) => groupIn(one, group.id, 1)));
  await Promise.all([
    ...groups.map((one, at) => one.add(newcomers[at]!.did)),
    ...groups.map((one, at) => one.send(bytes(`from ${at}`))),
  ]);
  const all = [...clients, ...newcomers];
  const ends = await Promise.all(all.map((one) => groupIn(one, group.id, 6)));
  expect(new Set(ends.map((one) => one.fingerprint())).size).toBe(1);
  expect(new Set(ends.map(({ members }) => [...members].sort().join())).size).toBe(1);
  expect(ends[0]!.members).toHaveLength(10);
  await until('all old members hear all', () => clients.every(({ inbox }) => inbox.length === 4));
  expect(all.flatMap(faultsOf)).toEqual([]);
});

test('a member that was away for 50 epochs reads all that was said, in order', async () => {
  const place = await startServer();
  const alice = await clientAt(place, 'alice');
  const bob = await clientAt(place, 'bob');
  const group = await groupOf(alice, bob);
  await bob.client.close();
  for (let epoch = 0; epoch < 50; epoch++) {
    if (epoch % 5 === 0) await group.send(bytes(`in ${group.epoch}`));
    await group.rekey();
  }
  const again = await clientAt(place, 'bob', { agent: bob.agent, store: bob.store });
  await until('bob has read all', () => again.inbox.length === 10);
  expect(again.inbox).toEqual(Array.from({ length: 10 }, (_, at) => `in ${at * 5 + 1}`));
  const bobs = await groupIn(again, group.id, 51);
  expect(bobs.fingerprint()).toBe(group.fingerprint());
  expect(faultsOf(again)).toEqual([]);
}, 300_000);

test('suites with X-Wing, and with ChaCha20-Poly1305', async () => {
  const place = await startServer();
  for (const suite of ['x25519-chacha', 'xwing-aes256', 'xwing-chacha'] as const) {
    const alice = await clientAt(place, `alice ${suite}`, { suite });
    const bob = await clientAt(place, `bob ${suite}`, { suite });
    const group = await groupOf(alice, bob);
    expect(group.suite).toBe(suite);
    await group.rekey();
    await group.send(bytes(suite));
    await until('bob hears', () => bob.inbox.length === 1);
  }
});
