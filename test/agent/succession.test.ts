import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  createSuccession,
  type Did,
  type Identity,
  MemoryTrustRegistry,
  type RegistryEntry,
  type TrustRegistry,
} from '@private.me/xlink';
import { BaseAgent } from '@private.me/xlink/client';
import { MemoryKeyStore } from '../../src/identity/key-store.js';
import { hashOfDid } from '../../src/identity/succession.js';
import { identityOf, seedOf } from '../support/agents.js';
import { headOf, sealedAnswer } from '../support/answers.js';
import { DAY, HOUR } from '../support/clock.js';
import { errorOf, idOf, optionRefusedBy, thrownBy, unwrap } from '../support/results.js';
import { pair } from '../support/world.js';

const named = (name: string) => identityOf(`agent ${name}`);

describe('an agent that is succeeded', () => {
  test('sends as the next identity, and takes what is for either until the overlap is over', async () => {
    const { world, alice, bob } = await pair();
    const next = await named('next');
    const old = alice.did;
    const made = unwrap(await alice.succeedBy(next, { overlapMs: HOUR }));
    expect([made.from, made.to, made.issuedAt, made.overlapMs]).toEqual([old, next.did, world.clock(), HOUR]);
    expect([alice.did, await alice.ready(), (await alice.keyRecord()).did]).toEqual([
      next.did,
      next.did,
      next.did,
    ]);
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    expect(unwrap(await bob.receive(world.transport.outbox.at(-1)!)).sender).toBe(next.did);
    for (const [to, recipient] of [
      [old, undefined],
      [next.did, next.did],
    ] as const) {
      const message = unwrap(await alice.receive(await bob.createEnvelope({ to, payload: 2 })));
      expect([message.payload, message.recipient]).toEqual([2, recipient]);
      const answer = headOf(await sealedAnswer(alice, message));
      expect([answer.from, answer.kind]).toEqual([to, 'answer']); // whoever was asked answers
    }
  });

  test('signs as the old one while a registry that writes one entry after the other is about to write the next', async () => {
    const { world, bob } = await pair();
    const [old, next] = [await identityOf('alice'), await named('next')];
    let isWritten = false;
    const slow: TrustRegistry = {
      lookup: (did) => (did === next.did && !isWritten ? undefined : world.registry.lookup(did)),
      register: (...entry) => world.registry.register(...entry),
      updateKeys: (...keys) => world.registry.updateKeys(...keys),
      succeed: (...succession) => world.registry.succeed(...succession),
    };
    const { clock, transport } = world;
    const agent = new Agent({ identity: old, registry: slow, clock, transport });
    unwrap(await agent.succeedBy(next));
    const senderOf = async () => {
      unwrap(await agent.send({ to: bob.did, payload: 1 }));
      return unwrap(await bob.receive(transport.outbox.at(-1)!)).sender;
    };
    expect([await senderOf(), agent.did]).toEqual([old.did, old.did]);
    isWritten = true;
    expect([await senderOf(), agent.did]).toEqual([next.did, next.did]);
  });

  test('during the overlap both may send, after it the old one is refused with an error that says why', async () => {
    const { world, alice, bob } = await pair();
    const [old, next] = [await identityOf('alice'), await named('next')];
    unwrap(await alice.succeedBy(next, { overlapMs: HOUR }));
    const { registry, clock, transport } = world;
    const before = new Agent({ identity: old, registry, clock, transport }); // does not know of it
    const after = new Agent({ identity: next, registry, clock, transport });
    const ids = async () => {
      const envelopes = [before, after].map((agent) => agent.createEnvelope({ to: bob.did, payload: 1 }));
      return Promise.all(envelopes.map(async (one) => idOf(await bob.receive(await one))));
    };
    clock.advance(HOUR);
    expect(await ids()).toEqual(['ok', 'ok']);
    clock.advance(1);
    expect(await ids()).toEqual(['VERIFICATION_FAILED:DID_SUCCEEDED', 'ok']);
    const signature = await before.sign('x');
    expect(idOf(await bob.verify({ did: old.did, content: 'x', signature }))).toBe(
      'VERIFICATION_FAILED:DID_SUCCEEDED',
    );
  });

  test('revoking the old DID ends it at once, and leaves the next one', async () => {
    const { world, alice, bob } = await pair();
    const [old, next] = [await identityOf('alice'), await named('next')];
    unwrap(await alice.succeedBy(next));
    unwrap(await world.registry.revoke(old.did));
    const { registry, clock } = world;
    const before = new Agent({ identity: old, registry, clock });
    expect(idOf(await bob.receive(await before.createEnvelope({ to: bob.did, payload: 1 })))).toBe(
      'VERIFICATION_FAILED:DID_REVOKED',
    );
    expect(idOf(await bob.receive(await alice.createEnvelope({ to: bob.did, payload: 1 })))).toBe('ok');
  });

  test('is found under its old DID after the overlap, over several steps', async () => {
    const { world, alice, bob } = await pair();
    const [second, third] = [await named('second'), await named('third')];
    const old = alice.did;
    await bob.createEnvelope({ to: old, payload: 1 });
    unwrap(await alice.succeedBy(second, { overlapMs: HOUR }));
    const { registry, clock, transport } = world;
    const agent = new Agent({ identity: second, registry, clock, transport });
    unwrap(await agent.succeedBy(third, { overlapMs: HOUR }));
    expect((await bob.createEnvelope({ to: old, payload: 1 })).to).toBe(old);
    clock.advance(DAY);
    const envelope = await bob.createEnvelope({ to: old, payload: 2 });
    expect([envelope.to, idOf(await agent.receive(envelope))]).toEqual([third.did, 'ok']);
    unwrap(await bob.send({ to: second.did, payload: 3 }));
    expect(unwrap(await agent.receive(transport.outbox.at(-1)!)).payload).toBe(3);
  });

  test('no registry leads senders to a DID that the old one did not name', async () => {
    const { world, alice, bob } = await pair();
    const thief = await world.agent('thief');
    await bob.createEnvelope({ to: alice.did, payload: 1 });
    const stolen = await createSuccession(await identityOf('thief'), await named('next'), {
      clock: world.clock,
      overlapMs: 0,
    });
    const lying = (change: (entry: RegistryEntry) => RegistryEntry): TrustRegistry => ({
      lookup: (did) => {
        const entry = world.registry.lookup(did);
        return entry && did === alice.did ? change(entry) : entry;
      },
      register: (entry) => world.registry.register(entry),
      updateKeys: (keys) => world.registry.updateKeys(keys),
    });
    world.clock.advance(HOUR);
    const registry = lying((entry) => ({
      ...entry,
      succeededBy: { ...stolen, from: alice.did, to: thief.did },
    }));
    const sender = new Agent({ identity: await identityOf('bob'), registry, clock: world.clock });
    expect((await thrownBy(() => sender.createEnvelope({ to: alice.did, payload: 1 }))).id).toBe(
      'SUCCESSION_INVALID',
    );
  });

  test('another instance that holds both follows by itself, whoever handed it in', async () => {
    const { world, alice, bob } = await pair();
    const [old, next] = [await identityOf('alice'), await named('next')];
    const { registry, clock } = world;
    const other = new Agent({ identity: old, successor: next, registry, clock });
    const toNext = async () => {
      await world.registry.lookup(next.did);
      return bob.createEnvelope({ to: next.did, payload: 1 });
    };
    expect((await other.keyRecord()).did).toBe(old.did);
    unwrap(await alice.succeedBy(next));
    expect(idOf(await other.receive(await toNext()))).toBe('ok'); // before it has seen it
    expect((await other.keyRecord()).did).toBe(next.did);
    expect(other.did).toBe(next.did);
    expect((await other.createEnvelope({ to: bob.did, payload: 1 })).from).toBe(next.did);
    expect((await other.successions()).map(({ from, to }) => [from, to])).toEqual([[old.did, next.did]]);
  });

  test('two instances that hand in the same two identities agree', async () => {
    const { world, alice } = await pair();
    const [old, next] = [await identityOf('alice'), await named('next')];
    const { registry, clock } = world;
    const other = new Agent({ identity: old, registry, clock });
    const first = unwrap(await alice.succeedBy(next, { overlapMs: HOUR }));
    expect(unwrap(await other.succeedBy(next))).toEqual(first);
    const third = new Agent({ identity: old, registry, clock });
    expect(idOf(await third.succeedBy(await named('another')))).toBe('SUCCESSION_CONFLICT');
  });

  test('commits to the only DID that may follow, so that a thief of its seed moves nothing', async () => {
    const { world } = await pair();
    const [safe, thief] = [await named('safe'), await named('thief')];
    const careful = await world.agent('careful', { next: safe.did });
    expect((await careful.keyRecord()).next).toBe(await hashOfDid(safe.did));
    expect((await world.registry.lookup(careful.did))?.keys?.next).toBe(await hashOfDid(safe.did));
    const { registry, clock } = world;
    const stolen = new Agent({ identity: await identityOf('careful'), registry, clock });
    expect(idOf(await stolen.succeedBy(thief))).toBe('SUCCESSION_INVALID:NOT_NEXT');
    clock.advance(HOUR);
    const forgetful = await Agent.fromSeed({ seed: seedOfCareful, registry, clock });
    expect(errorOf(forgetful)).toMatchObject({ id: 'KEY_RECORD_INVALID', field: 'next' });
    expect(idOf(await careful.succeedBy(safe))).toBe('ok');
  });

  test('the next identity may commit, too, and every instance says so', async () => {
    const { world, alice } = await pair();
    const [next, safe] = [await named('next'), await named('safe')];
    const { registry, clock } = world;
    const other = new Agent({ identity: await identityOf('alice'), successor: next, registry, clock });
    unwrap(await alice.succeedBy(next, { next: safe.did }));
    for (const agent of [alice, other])
      expect((await agent.keyRecord()).next).toBe(await hashOfDid(safe.did));
  });

  test('with a key store, the next identity has one of its own, and its epochs', async () => {
    const { world, bob } = await pair();
    const [first, second] = [new MemoryKeyStore(), new MemoryKeyStore()];
    const next = await named('next');
    const keyed = await world.agent('keyed', { keyStore: first });
    expect(await refusedOption(() => keyed.succeedBy(next))).toBe('successorKeyStore');
    const { registry, clock, transport } = world;
    const identity = await identityOf('keyed');
    const both = new Agent({
      identity,
      keyStore: first,
      successorKeyStore: second,
      registry,
      clock,
      transport,
    });
    unwrap(await both.succeedBy(next));
    const record = await both.keyRecord();
    expect([record.did, record.keyEpoch, registry.lookup(next.did)?.keys?.keyEpoch]).toEqual([
      next.did,
      1,
      1,
    ]);
    expect(idOf(await both.receive(await bob.createEnvelope({ to: next.did, payload: 1 })))).toBe('ok');
    expect((await both.rotateKeys()).keyEpoch).toBe(2);
    expect(
      await optionRefusedBy(() => new Agent({ identity, keyStore: first, successorKeyStore: first })),
    ).toBe('successorKeyStore');
  });

  test('the epochs that are told are those of the identity that signs', async () => {
    const { world } = await pair();
    const { registry, clock } = world;
    const [identity, next] = [await identityOf('keyed'), await named('next')];
    const [keyStore, successorKeyStore] = [new MemoryKeyStore(), new MemoryKeyStore()];
    const instance = () =>
      new Agent({ identity, keyStore, successor: next, successorKeyStore, registry, clock });
    await world.agent('keyed', { keyStore });
    const [one, other] = [instance(), instance()];
    const told: string[] = [];
    one.onKeyEpoch(({ keyEpoch }) => told.push(`${one.did === next.did ? 'next' : 'old'} ${keyEpoch}`));
    await one.rotateKeys();
    await one.rotateKeys();
    unwrap(await one.succeedBy(next));
    clock.advance(2000);
    expect(await other.keyRecord()).toMatchObject({ did: next.did, keyEpoch: 1 });
    await one.rotateKeys();
    expect(told).toEqual(['old 1', 'old 2', 'old 3', 'next 1', 'next 2']);
    expect([one.keyEpoch?.keyEpoch, registry.lookup(next.did)?.keys?.keyEpoch]).toEqual([2, 2]);
    clock.advance(2000);
    // All instances sign one that says the same.
    expect((await other.keyRecord()).epoch).toBe((await one.keyRecord()).epoch);
    for (const agent of [one, other]) agent.dispose();
  });

  test('is succeeded again, and takes what is for any of them', async () => {
    const { alice, bob } = await pair();
    const [old, second, third] = [alice.did, await named('second'), await named('third')];
    unwrap(await alice.succeedBy(second));
    unwrap(await alice.succeedBy(third));
    expect(alice.did).toBe(third.did);
    for (const to of [old, second.did, third.did]) {
      const message = unwrap(await alice.receive(await bob.createEnvelope({ to, payload: 1 })));
      expect(headOf(await sealedAnswer(alice, message)).from).toBe(to);
    }
    expect((await alice.successions()).map(({ to }) => to)).toEqual([second.did, third.did]);
  });

  test('that no registry knows yet is registered first, without scopes of its own', async () => {
    const { world } = await pair();
    const { registry, clock } = world;
    const [identity, next] = [await named('unregistered'), await named('next')];
    const agent = new Agent({ identity, registry, clock });
    const made = unwrap(await agent.succeedBy(next));
    expect([made.from, made.to]).toEqual([identity.did, next.did]);
    expect(await registry.lookup(identity.did)).toMatchObject({ succeededBy: { to: next.did } });
    for (const did of [identity.did, next.did])
      expect((await registry.lookup(did))?.sendScopes ?? []).toEqual([]);
  });

  test('what it is given is checked', async () => {
    const { world, alice } = await pair();
    const [next, other] = [await named('next'), await named('another')];
    const refusals: [unknown, unknown, string][] = [
      [undefined, {}, 'next'],
      [next.did, {}, 'next'],
      [next, { overlapMs: -1 }, 'overlapMs'],
      [next, { overlapMs: 91 * DAY }, 'overlapMs'],
      [next, { overlap: 1 }, 'overlap'],
      [next, { next: 7 }, 'next'],
    ];
    for (const [to, options, field] of refusals)
      expect(await refusedOption(() => alice.succeedBy(to as Identity, options as object))).toBe(field);
    const { registry, clock } = world;
    const prepared = new Agent({ identity: await identityOf('alice'), successor: next, registry, clock });
    expect(await refusedOption(() => prepared.succeedBy(other))).toBe('successor');
    expect(idOf(await alice.succeedBy(await identityOf('alice')))).toBe('SUCCESSION_INVALID');
    expect(alice.did).toBe((await identityOf('alice')).did);
  });

  test('a refusal changes nothing: it goes on as it was', async () => {
    const { world, alice, bob } = await pair();
    const old = alice.did;
    expect(idOf(await alice.succeedBy(await identityOf('bob')))).toBe('SUCCESSION_INVALID:IN_USE');
    expect([alice.did, (await alice.keyRecord()).did]).toEqual([old, old]);
    expect(idOf(await bob.receive(await alice.createEnvelope({ to: bob.did, payload: 1 })))).toBe('ok');
    unwrap(await world.registry.revoke(old));
    expect(idOf(await alice.succeedBy(await named('next')))).toBe('LOOKUP_FAILED:DID_REVOKED');
    expect(idOf(await alice.succeedBy(await named('another')))).toBe('LOOKUP_FAILED:DID_REVOKED');
  });

  test('needs a registry that takes successions, and an agent of the whole package', async () => {
    const registry = new MemoryTrustRegistry();
    const old = await named('old');
    const without: TrustRegistry = {
      lookup: (did: Did) => registry.lookup(did),
      register: (entry) => registry.register(entry),
      updateKeys: (keys) => registry.updateKeys(keys),
    };
    const agent = new Agent({ identity: old, registry: without });
    expect(idOf(await agent.succeedBy(await named('next')))).toBe('REGISTRATION_FAILED');
    const small = new BaseAgent({ identity: old, registry });
    expect(await refusedOption(async () => small.succeedBy(await named('next')))).toBe('next');
    const successor = await named('next');
    expect(await optionRefusedBy(() => new BaseAgent({ identity: old, successor }))).toBe('successor');
  });
});

const seedOfCareful = seedOf('careful');

/** The option that a result complains of. */
async function refusedOption(call: () => ReturnType<Agent['succeedBy']>): Promise<string> {
  const { id, field } = errorOf(await call());
  expect(id).toBe('INVALID_OPTION');
  return String(field);
}
