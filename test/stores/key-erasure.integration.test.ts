import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  Agent,
  type Envelope,
  type KeyStore,
  LoopbackTransport,
  MemoryKeyStore,
  MemoryTrustRegistry,
  retireKeyStore,
} from '@private.me/xlink';
import { WrappingKeyIds } from '../../src/identity/wrapping-key-ids.js';
import { identityOf, seedOf } from '../support/agents.js';
import { DAY, type FrozenClock, frozenClock, MINUTE } from '../support/clock.js';
import { errorOf, optionRefusedBy, thrownBy, unwrap } from '../support/results.js';
import { type Copy, copyOf, KEY_BACKENDS, type KeyPlace, storeFrom } from './key-store-backends.js';

// From what is left after an erasure, and the seed, a recorded envelope of the erased epoch cannot be opened.

for (const backend of KEY_BACKENDS) {
  backend.describe(`erasure in ${backend.name}`, () => {
    let started: Awaited<ReturnType<typeof backend.start>>;
    let place: KeyPlace;
    let clock: FrozenClock;
    let registry: MemoryTrustRegistry;
    beforeAll(async () => {
      started = await backend.start();
    }, 60_000);
    afterAll(() => started?.stop());
    beforeEach(async () => {
      place = await started.place();
      clock = frozenClock();
      registry = new MemoryTrustRegistry({ clock });
    });

    const service = async (keyStore: KeyStore, now: () => number = clock) =>
      unwrap(
        await Agent.fromSeed({
          seed: seedOf('service'),
          name: 'service',
          clock: now,
          registry,
          transport: new LoopbackTransport(),
          keyStore,
        }),
      );
    /** The thief has the seed, what is given, and sets the clock back to when the envelope was sealed. */
    async function openedBy(copy: Copy, envelope: Envelope): Promise<unknown> {
      const agent = new Agent({
        identity: await identityOf('service'),
        clock: () => envelope.timestamp,
        registry: {
          lookup: async (did) => strip(await registry.lookup(did)),
          register: never,
          updateKeys: never,
        },
        keyStore: storeFrom(copy),
      });
      const received = await agent.receive(envelope);
      agent.dispose();
      return received.ok ? received.value.payload : received.error.id;
    }

    test('what was recorded opens with a copy of both stores made before, and with nothing that is left after', async () => {
      const store = await place.store();
      const agent = await service(store);
      const caller = await Agent.quickstart({ name: 'caller', clock, registry });
      const recorded = await caller.createEnvelope({ to: agent.did, scope: 'a', payload: 'the secret' });
      expect(recorded.keyEpoch).toBe(1);
      const before = await copyOf(store);
      const [{ wrappingKey, sealed }] = before.value.epochs as [Copy['value']['epochs'][0]];
      const key = Buffer.from(before.keys.get(wrappingKey)!);
      const spellings = [
        key,
        ...(['hex', 'base64url', 'base64'] as const).map((one) => Buffer.from(key.toString(one))),
      ];
      const holds = async () => {
        const bytes = await place.bytes();
        return spellings.some((spelling) => bytes.includes(spelling));
      };
      expect(await holds()).toBe(true); // or the search below would find nothing anywhere
      expect((await place.bytes()).includes(sealed)).toBe(true);

      await agent.rotateKeys();
      clock.advance(8 * DAY + 10 * MINUTE);
      await agent.keyRecord();
      await agent.receive(recorded); // traffic, after which it is erased if it was not
      const after = await copyOf(store);
      expect(after.value.epochs.map(({ keyEpoch }) => keyEpoch)).not.toContain(1);
      expect(after.keys.has(wrappingKey)).toBe(false);
      expect(await holds()).toBe(false);

      expect(errorOf(await agent.receive(recorded))).toMatchObject({ code: 'TIMESTAMP_EXPIRED' });
      expect(await openedBy(before, recorded)).toBe('the secret'); // the documented limit
      const { keys } = after;
      for (const left of [
        after,
        { value: before.value, keys }, // a copy of the epochs from before
        { value: after.value, keys: before.keys }, // a copy of the wrapping keys from before
        { value: before.value, keys: new Map([[wrappingKey, [...keys.values()][0]!]]) },
        { value: before.value, keys: new Map([[wrappingKey, new Uint8Array(32)]]) },
      ])
        expect(await openedBy(left, recorded)).toMatch(/^KEY_(EPOCH_UNKNOWN|STORE_DAMAGED)$/);
      agent.dispose();
    });

    test('what is left of an identity that was succeeded is erased once it has ended, and not before', async () => {
      const store = await place.store();
      const agent = await service(store);
      const caller = await Agent.quickstart({ name: 'caller', clock, registry });
      const recorded = await caller.createEnvelope({ to: agent.did, scope: 'a', payload: 'the secret' });
      await agent.rotateKeys();
      const ids = await WrappingKeyIds.of(await identityOf('service'));
      const [orphan, ofAnother] = [
        ids.make(7),
        (await WrappingKeyIds.of(await identityOf('another'))).make(1),
      ];
      for (const id of [orphan, ofAnother]) await store.wrappingKeys.put(id, new Uint8Array(32));
      const before = await copyOf(store);
      const { did } = agent;
      agent.dispose();
      const retire = () => retireKeyStore(store, { registry, clock });
      const refused = async () => (await thrownBy(retire)).message;

      expect(await refused()).toContain(`${did} was neither succeeded nor revoked`);
      const old = new Agent({ identity: await identityOf('service'), registry, clock });
      unwrap(await old.succeedBy(await identityOf('next'), { overlapMs: DAY }));
      old.dispose();
      clock.advance(DAY);
      expect(await refused()).toMatch(/good until \d{4}-/);
      expect((await copyOf(store)).keys).toEqual(before.keys);

      clock.advance(1);
      expect(await retire()).toEqual({ did, erased: 3 });
      const after = await copyOf(store);
      expect([after.value.epochs, [...after.keys.keys()]]).toEqual([[], [ofAnother]]);
      expect(await openedBy(before, recorded)).toBe('the secret');
      const { keys } = after;
      expect(await openedBy({ value: before.value, keys }, recorded)).toBe('KEY_STORE_DAMAGED');
      expect(await retire()).toEqual({ did, erased: 0 });
    });
  });
}

test('a store that holds nothing has nothing to retire, and one whose identity is unknown is left alone', async () => {
  const registry = new MemoryTrustRegistry();
  const keyStore = new MemoryKeyStore();
  expect(await retireKeyStore(keyStore, { registry })).toEqual({ did: undefined, erased: 0 });
  const agent = new Agent({ identity: await identityOf('service'), keyStore });
  await agent.keyRecord();
  agent.dispose();
  const { message } = await thrownBy(() => retireKeyStore(keyStore, { registry }));
  expect(message).toContain('is not in the registry');
  unwrap(await registry.add(agent.did));
  unwrap(await registry.revoke(agent.did));
  expect(await retireKeyStore(keyStore, { registry })).toEqual({ did: agent.did, erased: 1 });
  expect(await optionRefusedBy(() => retireKeyStore(keyStore, {} as never))).toBe('registry');
});

test('retiring starts anew where an agent that still ran has rotated meanwhile', async () => {
  const registry = new MemoryTrustRegistry();
  const keyStore = new MemoryKeyStore();
  const agent = new Agent({ identity: await identityOf('service'), keyStore });
  await agent.keyRecord();
  unwrap(await registry.add(agent.did));
  unwrap(await registry.revoke(agent.did));
  let rotated = false;
  const busy: KeyStore = {
    load: () => keyStore.load(),
    async save(value, version) {
      if (!rotated) await agent.rotateKeys();
      rotated = true;
      return keyStore.save(value, version);
    },
    wrappingKeys: keyStore.wrappingKeys,
  };
  expect(await retireKeyStore(busy, { registry })).toMatchObject({ erased: 2 });
  expect([await keyStore.wrappingKeys.ids(), keyStore.load()?.value.epochs]).toEqual([[], []]);
  agent.dispose();
});

const never = () => {
  throw new Error('a thief writes nothing');
};
/** The registry as a thief has it: without the service, whose published epochs would say that its copy is old. */
const strip = <T extends { readonly name?: string }>(entry: T | undefined) =>
  entry?.name === 'service' ? undefined : entry;
