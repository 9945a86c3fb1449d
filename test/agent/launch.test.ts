import { describe, expect, test } from '@jest/globals';
import { Agent, generateIdentity, type Identity, MemoryTrustRegistry, type Version } from '@private.me/xlink';
import { errorOf, idOf, thrownBy, unwrap } from '../support/results.js';
import { pair, World } from '../support/world.js';

describe('persistence', () => {
  test('an exported identity comes back with the same DID and reads what was sealed for it before', async () => {
    const { world, alice, bob } = await pair();
    const earlier = await alice.send({ to: bob.did, payload: 'before the restart' });
    const pkcs8 = await bob.exportPKCS8();
    const { clock, registry, transport } = world;
    const restored = unwrap(await Agent.importIdentity({ pkcs8, clock, registry, transport }));
    expect(restored.did).toBe(bob.did);
    expect((await restored.receive(earlier)).value?.payload).toBe('before the restart');
  });

  test('importing does not touch the registry entry', async () => {
    const { world, bob } = await pair();
    const before = world.registry.lookup(bob.did);
    world.clock.advance(60_000);
    const pkcs8 = await bob.exportPKCS8();
    unwrap(await Agent.importIdentity({ pkcs8, registry: world.registry, receiveScopes: ['x'] }));
    expect(world.registry.lookup(bob.did)).toBe(before);
  });
});

describe('a lazy agent', () => {
  test('makes and registers its identity at the first use', async () => {
    const world = new World();
    const bob = await world.agent('bob');
    const { clock, registry, transport } = world;
    const lazy = Agent.lazy({ clock, registry, transport, name: 'Lazy' });
    expect(() => lazy.did).toThrow(expect.objectContaining({ id: 'IDENTITY_NOT_READY' }));
    expect(registry.list()).toHaveLength(1);

    const received = await bob.receive(await lazy.send({ to: bob.did, payload: 'first' }));
    expect(received.value).toMatchObject({ sender: lazy.did, payload: 'first' });
    expect(registry.lookup(lazy.did)).toMatchObject({ name: 'Lazy', status: 'active' });
  });

  test('has one identity, however many first uses there are', async () => {
    const registry = new MemoryTrustRegistry();
    const lazy = Agent.lazy({ registry });
    const dids = await Promise.all(Array.from({ length: 10 }, () => lazy.ready()));
    expect(new Set(dids)).toEqual(new Set([lazy.did]));
    expect(registry.list()).toHaveLength(1);
  });

  test('tries again at the next use after its registry was down', async () => {
    const real = new MemoryTrustRegistry();
    let down = true;
    const registry = {
      lookup(did: string) {
        if (down) throw new Error('down');
        return real.lookup(did);
      },
      register: real.register.bind(real),
      updateKeys: real.updateKeys.bind(real),
    };
    const lazy = Agent.lazy({ registry });
    await expect(lazy.ready()).rejects.toMatchObject({ id: 'LOOKUP_FAILED' });
    down = false;
    expect(await lazy.ready()).toBe(lazy.did);
  });
});

describe('version negotiation', () => {
  const table: readonly [a: Version, b: Version, negotiated: Version][] = [
    [3, 3, 3],
    [3, 2, 2],
    [3, 1, 1],
    [2, 2, 2],
    [2, 1, 1],
    [1, 1, 1],
  ];
  test.each(table)('v%i and v%i meet at v%i, in both directions', async (a, b, negotiated) => {
    const { alice, bob } = await pair({ maxVersion: a }, { maxVersion: b });
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const sent = unwrap(await from.send({ to: to.did, payload: 'hi' }));
      expect(sent.version).toBe(negotiated);
      expect((await to.receive(sent.envelope)).value).toMatchObject({ version: negotiated, payload: 'hi' });
    }
  });

  test('postQuantumSig is the papers’ name for version 3', async () => {
    const { alice, bob } = await pair({ postQuantumSig: true }, { postQuantumSig: true });
    const sent = unwrap(await alice.send({ to: bob.did, payload: 1 }));
    expect(sent.envelope).toMatchObject({ version: 3, pqSignature: expect.any(String) });
  });

  test('a minimum above what the other side has ends the attempt at the sender', async () => {
    const { alice, bob } = await pair({ maxVersion: 3, minVersion: 3 }, { maxVersion: 2 });
    expect(idOf(await alice.send({ to: bob.did, payload: 1 }))).toBe(
      'KEY_AGREEMENT_FAILED:NO_COMMON_VERSION',
    );
  });

  test('an agent that gains post-quantum signatures is met at version 3 from then on', async () => {
    const { world, alice, bob } = await pair({ maxVersion: 3 }, { maxVersion: 2 });
    expect((await alice.send({ to: bob.did, payload: 1 })).value?.version).toBe(2);
    world.clock.advance(1000);
    const upgraded = await world.agent('bob', { maxVersion: 3 });
    expect(upgraded.did).toBe(bob.did);
    const sent = await alice.send({ to: bob.did, payload: 2 });
    expect(sent.value?.version).toBe(3);
    expect((await upgraded.receive(sent)).value?.payload).toBe(2);
  });
});

describe('an agent that is given', () => {
  test('an option it does not know says which one was meant', async () => {
    const result = await Agent.create({ recieveScopes: [] } as never);
    expect(errorOf(result)).toMatchObject({ id: 'INVALID_OPTION', field: 'recieveScopes' });
    expect(errorOf(result).hint).toContain('did you mean receiveScopes?');
    const thrown = await thrownBy(() => Agent.quickstart({ recieveScopes: [] } as never));
    expect(thrown.id).toBe('INVALID_OPTION');
  });

  test('the identity itself is ready at once and registers nothing', async () => {
    const registry = new MemoryTrustRegistry();
    const identity: Identity = unwrap(await generateIdentity());
    const agent = new Agent({ identity, registry });
    expect(agent.did).toBe(identity.did);
    expect(registry.list()).toEqual([]);
    const record = await agent.keyRecord();
    expect(idOf(await registry.register({ did: agent.did, keys: record }))).toBe('ok');
  });
});
