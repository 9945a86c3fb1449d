import { expect, test } from '@jest/globals';
import { Agent, createKeyRecord, createSuccession, Identity } from '@private.me/xlink';
import {
  afterTest,
  bytes,
  clientAt,
  faultsOf,
  groupIn,
  groupOf,
  seedOf,
  startServer,
  until,
} from './support.js';

test('a member that is succeeded adds its successor during the overlap, and is removed when that is over', async () => {
  const place = await startServer();
  let laterMs = 0;
  const alice = await clientAt(place, 'alice', { recheckMs: 300, clock: () => Date.now() + laterMs });
  const bob = await clientAt(place, 'bob');
  const group = await groupOf(alice, bob);
  const bobs = await groupIn(bob, group.id);
  const [old, identity] = [
    await Identity.fromSeed(seedOf('bob')),
    await Identity.fromSeed(seedOf('the next bob')),
  ];
  const keys = await createKeyRecord(identity);
  const overlapMs = 3_600_000;
  const succession = await createSuccession(old, identity, { keys, overlapMs });
  const done = await place.registry.succeed(succession, keys);
  if (!done.ok) throw done.error;
  const agent = new Agent({ identity, registry: place.registry });
  afterTest(() => agent.dispose());
  const next = await clientAt(place, 'the next bob', { agent });
  await bobs.add(next.did);
  const nexts = await groupIn(next, group.id);
  await bobs.send(bytes('from the old one'));
  await until('alice hears the old one', () => alice.inbox.includes('from the old one'));
  expect(group.members).toEqual([alice.did, bob.did, next.did]);
  laterMs = overlapMs; // by alice's clock it is over now
  await until('bob is gone', () => !group.members.includes(bob.did));
  await nexts.send(bytes('from the new one'));
  await until('alice hears the new one', () => alice.inbox.includes('from the new one'));
  expect(group.members).toEqual([alice.did, next.did]);
  expect(faultsOf(alice)).toEqual([]);
});
