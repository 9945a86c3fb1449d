import { expect, test } from '@jest/globals';
import { MemoryTrustRegistry } from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { DAY, HOUR } from '../support/clock.js';
import { errorOf, idOf, unwrap } from '../support/results.js';
import { pair, World } from '../support/world.js';

test('a message is sent to the one entry that has the name', async () => {
  const { alice, bob } = await pair();
  const { envelope } = unwrap(await alice.send({ to: 'bob', payload: { amount: 1 } }));
  expect(envelope.to).toBe(bob.did);
  expect(unwrap(await bob.receive(envelope)).payload).toEqual({ amount: 1 });
  expect((await alice.createEnvelope({ to: 'bob', payload: 1 })).to).toBe(bob.did);
  expect(unwrap(await alice.resolve('bob'))).toBe(bob.did);
  expect(unwrap(await alice.resolve(bob.did))).toBe(bob.did);
});

test('a name that nobody or several have sends nothing', async () => {
  const { world, alice, bob } = await pair();
  expect(errorOf(await alice.send({ to: 'billing', payload: 1 }))).toMatchObject({
    id: 'LOOKUP_FAILED:NAME_NOT_FOUND',
    field: 'to',
  });
  const other = await world.agent('another bob', { name: 'bob' });
  expect(idOf(await alice.send({ to: 'bob', payload: 1 }))).toBe('LOOKUP_FAILED:NAME_AMBIGUOUS');
  expect(world.transport.outbox).toEqual([]);
  unwrap(await world.registry.revoke(other.did));
  expect(unwrap(await alice.send({ to: 'bob', payload: 1 })).envelope.to).toBe(bob.did);
});

test('a name goes on to the identity that took the place of another, at once and for ever', async () => {
  const { world, alice, bob } = await pair();
  const [second, third] = [await identityOf('bob, second'), await identityOf('bob, third')];
  for (const next of [second, third]) {
    unwrap(await bob.succeedBy(next, { overlapMs: HOUR }));
    expect(unwrap(await alice.resolve('bob'))).toBe(next.did);
  }
  const sent = unwrap(await alice.send({ to: 'bob', payload: 1 }));
  expect(unwrap(await bob.receive(sent.envelope)).payload).toBe(1);
  world.clock.advance(DAY);
  expect(unwrap(await alice.resolve('bob'))).toBe(third.did);
  await world.agent('another bob', { name: 'bob' });
  expect(idOf(await alice.resolve('bob'))).toBe('LOOKUP_FAILED:NAME_AMBIGUOUS');
  unwrap(await world.registry.revoke(second.did, { successors: true }));
  expect(idOf(await alice.resolve('bob'))).toBe('ok'); // the other one
});

test('what looks like a DID is never taken for a name', async () => {
  const { world, alice } = await pair();
  await world.agent('mallory', { name: 'did:web:bank.example' });
  expect(idOf(await alice.send({ to: 'did:web:bank.example', payload: 1 }))).toBe(
    'LOOKUP_FAILED:DID_NOT_IN_REGISTRY',
  );
});

test('a registry that is down, or cannot list, is an error of its own', async () => {
  const world = new World();
  const inner = new MemoryTrustRegistry();
  const lookup = inner.lookup.bind(inner);
  const [register, updateKeys] = [inner.register.bind(inner), inner.updateKeys.bind(inner)];
  const plain = await world.agent('plain', { registry: { lookup, register, updateKeys } });
  const refused = errorOf(await plain.send({ to: 'bob', payload: 1 }));
  expect(refused.id).toBe('LOOKUP_FAILED:NAME_NOT_FOUND');
  expect(refused.message).toContain('cannot list');
  const list = () => Promise.reject(new Error('down'));
  const down = await world.agent('down', { registry: { lookup, register, updateKeys, list } as never });
  expect(errorOf(await down.send({ to: 'bob', payload: 1 }))).toMatchObject({
    id: 'LOOKUP_FAILED',
    cause: { message: 'down' },
  });
});
