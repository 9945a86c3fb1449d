import { expect, test } from '@jest/globals';
import { createKeyRecord, createSuccession } from '@private.me/xlink';
import { bytes, heard, identityOf, idOfFailure, listen, providerOf, until } from '../support.js';
import { pairOf } from './pairs.js';

test.each(['tcp://127.0.0.1:0', 'udp://127.0.0.1:0'])(
  'a DID that is succeeded keeps its channels for the overlap and not longer, and its successor gets in: %s',
  async (address) => {
    const { alice, bob, registry, server, client } = await pairOf();
    const listening = await listen(server, address);
    const target = { did: bob.did, addresses: [listening.address] };
    const channel = await client.open(target);
    const other = await listening.next();
    const texts = heard(other);
    const next = await identityOf('the next alice');
    const keys = await createKeyRecord(next);
    const overlapMs = 1_500;
    const done = await registry.succeed(await createSuccession(alice, next, { keys, overlapMs }), keys);
    if (!done.ok) throw done.error;
    const began = performance.now();
    await channel.send(bytes('still the old one'));
    await until('it is heard', () => texts.length === 1);
    const { by } = await other.closed; // long before the registry is asked again, which is every 30 s
    expect(by).toBe('revoked');
    const took = performance.now() - began;
    expect(took).toBeLessThan(overlapMs + 5_000);
    expect(await idOfFailure(() => client.open(target, { timeoutMs: 2_000 }))).toMatch(
      'NOISE_HANDSHAKE_FAILED',
    );
    const successor = providerOf({ identity: next, registry });
    await (await successor.open(target)).send(bytes('the new one'));
    expect((await listening.next()).peer.did).toBe(next.did);
  },
);
