// What a large envelope leaves behind once it is answered. Engines cut substrings as views, so one DID that a cache
// remembers can keep a whole body alive.
import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { CachedTrustRegistry, type Envelope, Identity } from '@private.me/xlink';
import { scaled } from '../scale/scale.js';
import { growthOf } from '../support/heap.js';
import { unwrap } from '../support/results.js';
import { World } from '../support/world.js';

const MIB = 2 ** 20;
const BODIES = scaled(200, 60);
/** 60 bodies of 0.7 MB are 42 MB: kept ones show. */
const MOST = 10 * MIB;
const LARGE = { text: 'x'.repeat(500_000) };

const strangerDid = async () => (await Identity.fromSeed(randomBytes(32), { maxVersion: 1 })).did;

async function receiver() {
  const world = new World();
  const registry = new CachedTrustRegistry({ registry: world.registry });
  const bob = await world.agent('bob', { registry });
  return { world, bob };
}

const asBody = (envelope: Envelope): Uint8Array => new TextEncoder().encode(JSON.stringify(envelope));

test('[E11] refused envelopes of strangers leave their DIDs in caches, not their bodies', async () => {
  const { world, bob } = await receiver();
  const alice = await world.agent('alice');
  const envelope = await alice.createEnvelope({ to: bob.did, payload: LARGE, scope: 'chat' });
  const strangers = await Promise.all(Array.from({ length: BODIES }, strangerDid));
  const growth = await growthOf(async () => {
    for (const from of strangers) {
      const received = await bob.receive(asBody({ ...envelope, from }));
      expect(received.ok || received.error.id).toBe('VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
    }
  });
  expect(growth).toBeLessThan(MOST);
});

test('[E11] accepted envelopes of known senders leave nothing but their nonces', async () => {
  const { world, bob } = await receiver();
  const senders = await Promise.all(
    Array.from({ length: BODIES }, (_, nr) => world.agent(`sender-${nr}`, { maxVersion: 1 })),
  );
  const growth = await growthOf(async () => {
    for (const sender of senders) {
      const envelope = await sender.createEnvelope({ to: bob.did, payload: LARGE, scope: 'chat' });
      const message = unwrap(await bob.receive(JSON.stringify(envelope)));
      expect(message.sender).toBe(sender.did);
    }
  });
  expect(growth).toBeLessThan(MOST);
});

test('[E11] envelopes with a bad signature leave nothing', async () => {
  const { world, bob } = await receiver();
  const alice = await world.agent('alice');
  const growth = await growthOf(async () => {
    for (let nr = 0; nr < BODIES; nr++) {
      const envelope = await alice.createEnvelope({ to: bob.did, payload: LARGE, scope: 'chat' });
      const received = await bob.receive(asBody({ ...envelope, scope: 'other' }));
      expect(received.ok || received.error.code).toBe('VERIFICATION_FAILED');
    }
  });
  expect(growth).toBeLessThan(MOST);
});
