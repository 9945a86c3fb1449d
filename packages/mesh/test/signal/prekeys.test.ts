import { describe, expect, test } from '@jest/globals';
import type { OpenOptions } from '../../src/channel.js';
import type { FetchedBundle, PrekeyDirectory } from '../../src/signal/index.js';
import { merkleTree, rootOf } from '../../src/signal/prekeys/merkle.js';
import { idOf, type Peer, World } from './support.js';

const DAY = 86_400_000;

/** A directory that changes what it hands out. */
const lying = (
  real: PrekeyDirectory,
  change: (bundle: FetchedBundle) => FetchedBundle | undefined,
): PrekeyDirectory => ({
  publish: (publication) => real.publish(publication),
  count: () => real.count(),
  fetch: async (did) => {
    const bundle = await real.fetch(did);
    return bundle && change(bundle);
  },
});

const flip = (value: string): string => {
  const data = Buffer.from(value, 'base64url');
  data[data.length >> 1]! ^= 1;
  return data.toString('base64url');
};

async function openThrough(
  world: World,
  bob: Peer,
  change: (bundle: FetchedBundle) => FetchedBundle | undefined,
) {
  const agent = await world.agent('alice');
  const alice = await world.peer('alice', { agent, directory: lying(world.directory.as(agent.did), change) });
  return idOf(() => alice.provider.open({ did: bob.did }));
}

describe('a bundle', () => {
  const eve = { key: Buffer.alloc(32, 9).toString('base64url') };
  test.each<[string, (bundle: FetchedBundle, eves: FetchedBundle) => FetchedBundle]>([
    ['whose identity key was changed', (one) => ({ ...one, identity: flip(one.identity) })],
    ['whose signed prekey was changed', (one) => ({ ...one, signedPrekey: { ...one.signedPrekey, ...eve } })],
    [
      'whose signature was changed',
      (one) => ({
        ...one,
        signedPrekey: { ...one.signedPrekey, signature: flip(one.signedPrekey.signature) },
      }),
    ],
    [
      'that says it is good for longer',
      (one) => ({ ...one, signedPrekey: { ...one.signedPrekey, notAfter: one.signedPrekey.notAfter + 1 } }),
    ],
    ['with another number', (one) => ({ ...one, signedPrekey: { ...one.signedPrekey, id: 7 } })],
    ['whose last resort was changed', (one) => ({ ...one, kem: { ...one.kem, key: flip(one.kem.key) } })],
    [
      'whose keys changed places',
      (one) => ({ ...one, signedPrekey: { ...one.signedPrekey, signature: one.kem.signature } }),
    ],
    ['whose one-time X25519 key was changed', (one) => ({ ...one, oneTime: { ...one.oneTime!, ...eve } })],
    [
      'whose one-time ML-KEM key was changed',
      (one) => ({
        ...one,
        oneTime: { ...one.oneTime!, kem: { ...one.oneTime!.kem!, key: flip(one.oneTime!.kem!.key) } },
      }),
    ],
    [
      'whose Merkle path was changed',
      (one) => ({
        ...one,
        oneTime: {
          ...one.oneTime!,
          kem: { ...one.oneTime!.kem!, signature: flip(one.oneTime!.kem!.signature) },
        },
      }),
    ],
    [
      'whose one-time key has no KEM key',
      (one) => ({ ...one, oneTime: { id: one.oneTime!.id, key: one.oneTime!.key } }),
    ],
    ['of somebody else under this name', (one, eves) => ({ ...eves, did: one.did })],
    ['of somebody else', (_, eves) => eves],
    ['with the one-time key of somebody else', (one, eves) => ({ ...one, oneTime: eves.oneTime! })],
    ['that is no base64', (one) => ({ ...one, identity: '' })],
  ])('%s is refused', async (_, change) => {
    const world = new World();
    const bob = await world.peer('bob');
    const other = await world.peer('eve');
    const eves = (await world.directory.as('anybody').fetch(other.did))!;
    expect(await openThrough(world, bob, (bundle) => change(bundle, eves))).toBe('SIGNAL_PREKEY_SIGNATURE');
    expect(await openThrough(world, bob, (bundle) => bundle)).toBe('no error');
  });

  test('is refused once it has expired, and is never good for longer than its owner keeps the private halves', async () => {
    const world = new World();
    const bob = await world.peer('bob');
    world.now += 21 * DAY - 1;
    expect(await openThrough(world, bob, (bundle) => bundle)).toBe('no error');
    world.now += 1;
    expect(await openThrough(world, bob, (bundle) => bundle)).toBe('SIGNAL_PREKEY_SIGNATURE:EXPIRED');
  });

  test('of who was revoked is refused; of who published nothing there is none', async () => {
    const world = new World();
    const bob = await world.peer('bob');
    const agent = await world.agent('carol');
    expect(await openThrough(world, { did: agent.did } as Peer, (bundle) => bundle)).toBe(
      'SIGNAL_PEER_UNKNOWN',
    );
    await world.registry.revoke(bob.did as never);
    expect(await openThrough(world, bob, (bundle) => bundle)).toBe('SIGNAL_PREKEY_SIGNATURE');
  });
});

describe('one-time prekeys', () => {
  test('that strangers used up leave the last resort, which is flagged, and is refused by who wants no such session', async () => {
    const world = new World();
    const bob = await world.peer('bob');
    const stranger = world.directory.as('stranger');
    for (let n = 0; n < 10; n++) expect((await stranger.fetch(bob.did))!.oneTime).toBeDefined();
    const careful = await world.peer('careful', { lastResort: 'refuse' });
    expect(await idOf(() => careful.provider.open({ did: bob.did }))).toBe('SIGNAL_PREKEY_EXHAUSTED');
    const alice = await world.peer('alice');
    await alice.send(bob, 'hello');
    const [first] = world.post.queue;
    await world.post.deliver();
    expect(bob.inbox).toEqual(['hello']);
    expect(bob.told('session-opened')).toMatchObject([{ lastResort: true }]);
    await world.post.hand(first!);
    expect(bob.inbox).toEqual(['hello']);
    await bob.provider.maintain();
    expect(await idOf(() => careful.provider.open({ did: bob.did }))).toBe('no error');
  });

  test('a first message is good once, also after its session was dropped, with a one-time key and without', async () => {
    for (const drained of [false, true]) {
      const world = new World();
      const bob = await world.peer('bob');
      if (drained) for (let n = 0; n < 10; n++) await world.directory.as('stranger').fetch(bob.did);
      const alice = await world.peer('alice');
      await alice.send(bob, 'pay 5');
      const [first] = world.post.queue;
      await world.post.deliver();
      await bob.provider.rekey(alice.did); // the old session is gone
      await world.post.deliver();
      await world.post.hand(first!);
      expect(bob.inbox).toEqual(['pay 5']);
      expect(bob.refused).toEqual([drained ? 'SIGNAL_DUPLICATE' : 'SIGNAL_PREKEY_UNKNOWN']);
    }
  });

  test('are filled up at 70 % use, not before, and every number is new', async () => {
    const world = new World();
    const bob = await world.peer('bob', { prekeyPoolSize: 10 });
    const directory = world.directory.as('stranger');
    const ids = new Set<number>();
    const take = async () => ids.add((await directory.fetch(bob.did))!.oneTime!.id);
    for (let n = 0; n < 6; n++) await take();
    await bob.provider.maintain();
    expect((await bob.provider.status()).prekeysWaiting).toBe(4);
    expect((await bob.provider.status()).prekeyUtilizationPercent).toBe(60);
    await take();
    await bob.provider.maintain();
    expect((await bob.provider.status()).prekeysWaiting).toBe(10);
    for (let n = 0; n < 10; n++) await take();
    expect(ids.size).toBe(17);
    expect(bob.told('prekeys-published')).toHaveLength(2);
  });

  test('are 200 of each kind unless chosen otherwise, and use up one each', async () => {
    const world = new World();
    const agent = await world.agent('bob');
    const bob = await world.peer('bob', { agent, prekeyPoolSize: 200 });
    expect(bob.told('prekeys-published')).toEqual([
      { type: 'prekeys-published', waiting: 200, replaced: true },
    ]);
    const bundle = (await world.directory.as('x').fetch(bob.did))!;
    expect(Buffer.from(bundle.oneTime!.kem!.signature, 'base64url')).toHaveLength(76 + 8 * 32);
    const alice = await world.peer('alice');
    await alice.send(bob, 'hello');
    await world.post.deliver();
    expect(bob.inbox).toEqual(['hello']);
  });

  test('that nobody took are replaced a week before they end, once', async () => {
    const world = new World();
    const bob = await world.peer('bob');
    const taken = (await world.directory.as('x').fetch(bob.did))!.oneTime!.id;
    for (let day = 1; day <= 60; day++) {
      world.now += DAY;
      await bob.provider.maintain();
      if (day % 6 === 0) expect(await openThrough(world, bob, (bundle) => bundle)).toBe('no error');
      await bob.provider.maintain();
    }
    const ids = (await world.directory.as('x').fetch(bob.did))!.oneTime!.id;
    expect(ids).not.toBe(taken);
    const replaced = bob.told('prekeys-published').filter((event) => 'replaced' in event && event.replaced);
    expect(replaced.length).toBeLessThanOrEqual(4);
  }, 60_000);

  test('that were not published after all are replaced the next time', async () => {
    const world = new World();
    const agent = await world.agent('bob');
    const real = world.directory.as(agent.did);
    let isDown = true;
    const directory: PrekeyDirectory = {
      ...real,
      publish: (publication) => (isDown ? Promise.reject(new Error('down')) : real.publish(publication)),
    };
    expect(await idOf(() => world.peer('bob', { agent, directory }))).toMatch(/no id/);
    isDown = false;
    const bob = await world.peer('bob', { agent, directory });
    expect(await openThrough(world, bob, (bundle) => bundle)).toBe('no error');
  });
});

test('a peer may begin 20 sessions an hour', async () => {
  const world = new World();
  const bob = await world.peer('bob');
  const alice = await world.peer('alice');
  for (let n = 0; n < 22; n++) await alice.provider.rekey(bob.did);
  await world.post.deliver();
  expect(bob.told('session-opened')).toHaveLength(20);
  expect(bob.refused).toEqual(Array(2).fill('SIGNAL_TOO_MANY_SESSIONS'));
  world.now += 3_600_000;
  await alice.provider.rekey(bob.did);
  await alice.send(bob, 'hello');
  await world.post.deliver();
  expect(bob.inbox).toEqual(['hello']);
});

test('opening ends when the time is over or the signal says so', async () => {
  const world = new World();
  const agent = await world.agent('alice');
  const slow: PrekeyDirectory = { ...world.directory.as(agent.did), fetch: () => new Promise(() => {}) };
  const bob = await world.peer('bob');
  const alice = await world.peer('alice', { agent, directory: slow });
  const open = (options: OpenOptions) => idOf(() => alice.provider.open({ did: bob.did }, options));
  expect(await open({ timeoutMs: 20 })).toBe('SIGNAL_DIRECTORY_FAILED');
  const controller = new AbortController();
  const ended = open({ signal: controller.signal });
  controller.abort();
  expect(await ended).toBe('SIGNAL_DIRECTORY_FAILED');
  expect(await open({ signal: controller.signal })).toBe('SIGNAL_DIRECTORY_FAILED');
});

test('signed prekeys rotate every 7 days, and first messages to the one before are taken for 14 days more', async () => {
  const world = new World();
  const bob = await world.peer('bob');
  const fetch = async () => (await world.directory.as('x').fetch(bob.did))!.signedPrekey.id;
  const alice = await world.peer('alice');
  await alice.send(bob, 'under way');
  const before = await fetch();
  world.now += 7 * DAY - 1;
  await bob.provider.maintain();
  expect(await fetch()).toBe(before);
  world.now += 1;
  await bob.provider.maintain();
  expect(await fetch()).not.toBe(before);
  const late = world.post.take();
  world.now += 14 * DAY - 1;
  await world.post.hand(late[0]!);
  expect(bob.inbox).toEqual(['under way']);
  const carol = await world.peer('carol');
  await carol.send(bob, 'far too late');
  const [later] = world.post.take();
  world.now += 40 * DAY;
  await bob.provider.maintain();
  await world.post.hand(later!);
  expect(bob.refused).toEqual(['SIGNAL_PREKEY_UNKNOWN']);
});

test('a path leads to the root from its own place only', () => {
  for (const size of [1, 2, 3, 7, 8, 200]) {
    const leaves = Array.from({ length: size }, (_, at) => Uint8Array.of(at, 1));
    const { root, paths } = merkleTree(leaves);
    for (const [at, path] of paths.entries()) {
      expect(rootOf(leaves[at]!, at, size, path)).toEqual(root);
      for (const other of [at + 1, at - 1, size]) {
        if (other >= 0) expect(rootOf(leaves[at]!, other, size, path)).not.toEqual(root);
      }
      expect(rootOf(leaves[at]!, at, size, [...path, root])).toBeUndefined();
    }
  }
});
