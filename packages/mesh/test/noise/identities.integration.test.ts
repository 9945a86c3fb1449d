import { describe, expect, test } from '@jest/globals';
import { identityOf, idOfFailure, listen, providerOf, registryOf } from '../support.js';
import { pairOf } from './pairs.js';

describe('who is at the other end', () => {
  test('a record in the registry with other keys, or none that answers, lets nobody in', async () => {
    const { alice, bob, client, registry } = await pairOf();
    const other = await identityOf('alice', { maxVersion: 1 });
    const listening = await listen(
      providerOf({ identity: bob, registry: await registryOf(other, bob) }),
      'tcp://127.0.0.1:0',
    );
    const open = (address = listening.address) =>
      idOfFailure(() => client.open({ did: bob.did, addresses: [address] }));
    expect(alice.did).toBe(other.did);
    expect(await open()).toMatch('NOISE_HANDSHAKE_FAILED');
    const down = { lookup: () => Promise.reject(new Error('down')) };
    const second = await listen(providerOf({ identity: bob, registry: down }), 'tcp://127.0.0.1:0');
    expect(await open(second.address)).toMatch('NOISE_HANDSHAKE_FAILED');
    const third = providerOf({ identity: alice, registry: down });
    const good = await listen(providerOf({ identity: bob, registry }), 'tcp://127.0.0.1:0');
    expect(await idOfFailure(() => third.open({ did: bob.did, addresses: [good.address] }))).toBe(
      'NOISE_IDENTITY_MISMATCH:REGISTRY',
    );
  });

  test('an agent that is connected to itself notices', async () => {
    const { bob, server } = await pairOf();
    const listening = await listen(server, 'tcp://127.0.0.1:0');
    expect(await idOfFailure(() => server.open({ did: bob.did, addresses: [listening.address] }))).toBe(
      'NOISE_IDENTITY_MISMATCH',
    );
  });

  test('a listener for one peer takes no other; with `paired`, both DIDs are part of the handshake', async () => {
    const { alice, bob, registry } = await pairOf();
    const carol = await identityOf('carol');
    const all = await registryOf(alice, bob, carol);
    const listening = await listen(
      providerOf({ identity: bob, registry: all, paired: true }),
      'tcp://127.0.0.1:0',
      {
        peer: alice.did,
      },
    );
    const target = { did: bob.did, addresses: [listening.address] };
    const channel = await providerOf({ identity: alice, registry: all, paired: true }).open(target);
    await channel.close();
    const unpaired = providerOf({ identity: alice, registry });
    expect(await idOfFailure(() => unpaired.open(target))).toMatch('NOISE_HANDSHAKE_FAILED');
    const other = providerOf({ identity: carol, registry: all, paired: true });
    expect(await idOfFailure(() => other.open(target))).toMatch('NOISE_HANDSHAKE_FAILED');
  });

  test('ML-DSA-65 signs beside Ed25519 where both want it, also over UDP with ML-KEM', async () => {
    const [alice, bob] = await Promise.all([
      identityOf('alice', { postQuantumSig: true }),
      identityOf('bob', { postQuantumSig: true }),
    ]);
    const registry = await registryOf(alice, bob);
    const options = { registry, hybrid: true, postQuantumSig: true };
    const listening = await listen(providerOf({ identity: bob, ...options }), 'udp://127.0.0.1:0');
    const target = { did: bob.did, addresses: [listening.address] };
    const channel = await providerOf({ identity: alice, ...options }).open(target);
    expect((await listening.next()).peer.did).toBe(alice.did);
    await channel.close();
    const without = providerOf({ identity: alice, registry, hybrid: true });
    expect(await idOfFailure(() => without.open(target, { timeoutMs: 1_500 }))).toMatch(
      'NOISE_HANDSHAKE_FAILED',
    );
  });

  test('who listens with the registry down keeps channels for the grace time, then ends them', async () => {
    let isDown = false;
    const { alice, bob, registry } = await pairOf();
    const flaky = {
      lookup: (did: string) => (isDown ? Promise.reject(new Error('down')) : registry.lookup(did)),
    };
    const server = providerOf({ identity: bob, registry: flaky, recheckMs: 20, registryGraceMs: 300 });
    const listening = await listen(server, 'tcp://127.0.0.1:0');
    await providerOf({ identity: alice, registry }).open({ did: bob.did, addresses: [listening.address] });
    const other = await listening.next();
    isDown = true;
    const began = performance.now();
    expect(await other.closed).toMatchObject({
      by: 'error',
      error: { id: 'NOISE_IDENTITY_MISMATCH:REGISTRY' },
    });
    expect(performance.now() - began).toBeGreaterThan(200);
  });
});
