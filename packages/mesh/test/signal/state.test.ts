import { describe, expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import type { StateDocument, StateStore } from '../../src/signal/index.js';
import { idOf, seedOf, World } from './support.js';

/** A store of which a backup can be made and restored, and that can fail. */
class Backed implements StateStore {
  documents = new Map<string, StateDocument>();
  writes = 0;
  fails: 'no' | 'before' | 'after' = 'no';

  load(id: string): StateDocument | undefined {
    if (this.fails === 'before') throw new Error('the store is down');
    return this.documents.get(id);
  }

  async save(id: string, json: string, expected: number): Promise<boolean> {
    await Promise.resolve();
    if (this.fails === 'before') throw new Error('the store is down');
    if ((this.documents.get(id)?.version ?? 0) !== expected) return false;
    this.documents.set(id, { json, version: expected + 1 });
    this.writes++;
    if (this.fails === 'after') throw new Error('the store has gone down');
    return true;
  }

  async remove(id: string, expected: number): Promise<boolean> {
    return (this.documents.get(id)?.version ?? 0) === expected && this.documents.delete(id);
  }

  backup(): () => void {
    const kept = new Map(this.documents);
    return () => {
      this.documents = new Map(kept);
    };
  }
}

const places = () => ({ state: new Backed(), revisions: new MemoryOperationsStore() });

describe('state', () => {
  test('goes on after a restart, in the same session', async () => {
    const world = new World();
    const [a, b] = [places(), places()];
    let [bob, alice] = [await world.peer('bob', b), await world.peer('alice', a)];
    await alice.send(bob, '1');
    await world.post.deliver();
    for (let round = 0; round < 3; round++) {
      await alice.provider.close();
      await bob.provider.close();
      [bob, alice] = [await world.peer('bob', b), await world.peer('alice', a)];
      await bob.send(alice, `b${round}`);
      await alice.send(bob, `a${round}`);
      await world.post.deliver();
      expect([alice.inbox, bob.inbox]).toEqual([[`b${round}`], [`a${round}`]]);
      expect([...alice.events, ...bob.events]).toEqual([]);
    }
  });

  test('is sealed: it holds no key and no DID of a peer in the open but in names, and opens for its own identity only', async () => {
    const world = new World();
    const at = places();
    const bob = await world.peer('bob');
    const alice = await world.peer('alice', at);
    await alice.send(bob, 'a very secret message');
    for (const [id, { json }] of at.state.documents) {
      expect(Object.keys(JSON.parse(json))).toEqual(['v', 'rev', 'salt', 'sealed']);
      expect(id).toMatch(/^signal\/did:key:\w+\/(prekeys|peers|peer\/did:key:\w+)$/);
      expect(json).not.toContain('root');
    }
    const seed = Buffer.from(seedOf('alice')).toString('base64url');
    expect(JSON.stringify([...at.state.documents])).not.toContain(seed);
    await alice.provider.close();
    const own = [...at.state.documents.keys()].find((id) => id.includes('/peer/'))!;
    const document = at.state.documents.get(own)!;
    const changed = [
      document.json.replace(/"sealed":"(.)/, (_, one) => `"sealed":"${one === 'A' ? 'B' : 'A'}`),
      document.json.replace(/"rev":\d+/, '"rev":99'),
      document.json.replace('"v":1', '"v":2'),
      'no json',
      '{}',
    ];
    for (const json of changed) {
      at.state.documents.set(own, { ...document, json });
      const again = await world.peer('alice', at);
      expect(await idOf(() => again.send(bob, 'x'))).toBe('SIGNAL_STATE_UNREADABLE');
      await again.provider.close();
    }
    at.state.documents.set(own, at.state.documents.get([...at.state.documents.keys()][0]!)!); // another document under this name
    const again = await world.peer('alice', at);
    expect(await idOf(() => again.send(bob, 'x'))).toBe('SIGNAL_STATE_UNREADABLE');
  });

  test('is written before a message leaves and before one is handed out; with the store down neither happens', async () => {
    const world = new World();
    const [a, b] = [places(), places()];
    const [bob, alice] = [await world.peer('bob', b), await world.peer('alice', a)];
    await alice.send(bob, '1');
    await world.post.deliver();
    const order: string[] = [];
    const { save } = a.state;
    a.state.save = async (...args) => {
      const saved = await save.apply(a.state, args);
      order.push('written');
      return saved;
    };
    const push = world.post.queue.push.bind(world.post.queue);
    world.post.queue.push = (...parcels) => {
      order.push('left');
      return push(...parcels);
    };
    await alice.send(bob, '2');
    expect(order).toEqual(['written', 'left']);
    a.state.fails = 'before';
    expect(await idOf(() => alice.send(bob, '3'))).toBe('SIGNAL_STATE_UNAVAILABLE');
    a.state.fails = 'after'; // it is written, and nobody knows
    expect(await idOf(() => alice.send(bob, '4'))).toBe('SIGNAL_STATE_UNAVAILABLE');
    a.state.fails = 'no';
    expect(order.filter((one) => one === 'left')).toHaveLength(1);
    await alice.send(bob, '5');
    b.state.fails = 'before';
    await world.post.deliver();
    expect(bob.inbox).toEqual(['1']);
    b.state.fails = 'no';
    await world.post.deliver();
    expect(bob.inbox).toEqual(['1', '2', '5']);
  });

  test('of an old backup is not used: a new handshake is made, no key is used twice, and both go on', async () => {
    for (const kind of ['older', 'gone'] as const) {
      const world = new World();
      const at = places();
      const bob = await world.peer('bob');
      let alice = await world.peer('alice', at);
      await alice.send(bob, '1');
      await world.post.deliver();
      const restore = at.state.backup();
      await bob.send(alice, '2');
      await world.post.deliver();
      await alice.send(bob, '3');
      await world.post.deliver();
      await alice.provider.close();
      if (kind === 'older') restore();
      else at.state.documents.clear();
      alice = await world.peer('alice', at);
      await alice.send(bob, '4');
      await world.post.deliver();
      expect(alice.told('state-rolled-back')).toContainEqual({ type: 'state-rolled-back', did: bob.did });
      expect(bob.inbox).toEqual(['1', '3', '4']);
      expect(bob.told('session-opened')).toHaveLength(2);
      await bob.send(alice, '5');
      await world.post.deliver();
      expect(alice.inbox).toEqual(['5']);
      expect([alice.refused, bob.refused]).toEqual([[], []]);
    }
  });

  test('of an old backup is found by who receives, too: SIGNAL_STATE_ROLLED_BACK, and a new handshake by itself', async () => {
    const world = new World();
    const at = places();
    const bob = await world.peer('bob');
    let alice = await world.peer('alice', at);
    await alice.send(bob, '1');
    await world.post.deliver();
    const restore = at.state.backup();
    await bob.send(alice, '2');
    await world.post.deliver();
    await alice.provider.close();
    restore();
    alice = await world.peer('alice', at);
    await bob.send(alice, 'lost');
    await world.post.deliver();
    expect(alice.refused).toEqual(['SIGNAL_STATE_ROLLED_BACK']);
    expect(bob.told('session-opened').at(-1)).toMatchObject({ did: alice.did, by: 'peer', rekey: true });
    await bob.send(alice, 'found');
    await world.post.deliver();
    expect(alice.inbox).toEqual(['found']);
  });

  test('of a process that runs, taken back beneath it, is found with the next message', async () => {
    const world = new World();
    const at = places();
    const [bob, alice] = [await world.peer('bob'), await world.peer('alice', at)];
    await alice.send(bob, '1');
    const restore = at.state.backup();
    await alice.send(bob, '2');
    restore();
    await alice.send(bob, '3');
    await world.post.deliver();
    expect(alice.told('state-rolled-back')).toEqual([{ type: 'state-rolled-back', did: bob.did }]);
    expect(bob.inbox).toEqual(['1', '2', '3']);
  });

  test('of prekeys from an old backup is not used: all are replaced, in the directory too', async () => {
    const world = new World();
    const at = places();
    let bob = await world.peer('bob', at);
    const alice = await world.peer('alice');
    const restore = at.state.backup();
    await alice.send(bob, 'pay 5');
    const [first] = world.post.queue;
    await world.post.deliver();
    await bob.provider.close();
    restore(); // and with it the one-time key that was used
    bob = await world.peer('bob', at);
    expect(bob.told('state-rolled-back')).toEqual([{ type: 'state-rolled-back' }]);
    await world.post.hand(first!);
    expect(bob.inbox).toEqual([]);
    expect((await bob.provider.status()).prekeysWaiting).toBe(10);
    const carol = await world.peer('carol');
    await carol.send(bob, 'hello');
    await world.post.deliver();
    expect(bob.inbox).toEqual(['hello']);
  });

  test('without the second place is used from any backup, which has to be asked for', async () => {
    const world = new World();
    const agent = await world.agent('alice');
    expect(await idOf(() => world.peer('alice', { agent, state: new Backed() }))).toBe('INVALID_OPTION');
    const state = new Backed();
    expect(await idOf(() => world.peer('alice', { agent, state, revisions: state }))).toBe('INVALID_OPTION');
    await world.peer('alice', { agent, state, unsafeWithoutRevisions: true });
  });
});

describe('two processes with one state', () => {
  test('never use a key twice, and every message is opened by one of them', async () => {
    const world = new World();
    const at = places();
    const [one, two] = [await world.peer('alice', at), await world.peer('alice', at)];
    const bob = await world.peer('bob');
    await one.send(bob, 'first');
    await two.to(bob);
    await world.post.deliver();
    const sent = Array.from({ length: 20 }, (_, n) => (n % 2 ? one : two).send(bob, String(n)));
    await Promise.all(sent);
    await world.post.deliver();
    expect([...bob.inbox].sort()).toEqual(
      ['first', ...Array.from({ length: 20 }, (_, n) => String(n))].sort(),
    );
    expect(bob.refused).toEqual([]);
    await bob.send(one, 'hello');
    const [parcel] = world.post.take();
    const results = await Promise.all(
      [one, two].map((peer) => idOf(() => peer.provider.receive(bob.did, parcel!.message))),
    );
    expect(results.sort()).toEqual(['SIGNAL_DUPLICATE', 'no error']);
    expect([...one.inbox, ...two.inbox]).toEqual(['hello']);
    for (const peer of [one, two]) await peer.send(bob, 'and on');
    await world.post.deliver();
    expect(bob.inbox.slice(-2)).toEqual(['and on', 'and on']);
  });

  test('use a one-time key once, whoever gets the first message', async () => {
    const world = new World();
    const at = places();
    const [one, two] = [await world.peer('bob', at), await world.peer('bob', at)];
    const alice = await world.peer('alice');
    await alice.send(one, 'pay 5');
    const [parcel] = world.post.take();
    await Promise.allSettled([one, two].map((peer) => peer.provider.receive(alice.did, parcel!.message)));
    expect([...one.inbox, ...two.inbox]).toEqual(['pay 5']);
  });

  test('know of the prekeys that the other one made, and of those that it used up', async () => {
    for (const drained of [false, true]) {
      const world = new World();
      const at = places();
      const [one, two] = [await world.peer('bob', at), await world.peer('bob', at)];
      const stranger = world.directory.as('stranger');
      for (let n = 0; n < 10; n++) await stranger.fetch(one.did);
      if (!drained) await one.provider.maintain(); // new ones, which only this process has made
      const alice = await world.peer('alice');
      await alice.send(one, 'pay 5');
      const [parcel] = world.post.take();
      await two.provider.receive(alice.did, parcel!.message);
      await two.provider.rekey(alice.did); // the first session is gone
      expect(await idOf(() => one.provider.receive(alice.did, parcel!.message))).toBe(
        drained ? 'SIGNAL_DUPLICATE' : 'SIGNAL_PREKEY_UNKNOWN',
      );
      expect([...one.inbox, ...two.inbox]).toEqual(['pay 5']);
    }
  });

  test('that change it again and again end with SIGNAL_STATE_CONFLICT, and nothing leaves', async () => {
    const world = new World();
    const at = places();
    const [bob, alice] = [await world.peer('bob'), await world.peer('alice', at)];
    await alice.send(bob, '1');
    await world.post.deliver();
    at.state.save = async () => false;
    expect(await idOf(() => alice.send(bob, '2'))).toBe('SIGNAL_STATE_CONFLICT');
    expect(world.post.queue).toEqual([]);
  });
});
