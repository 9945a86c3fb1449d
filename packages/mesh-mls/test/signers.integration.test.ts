import { expect, test } from '@jest/globals';
import { type Entry, hostile } from './hostile.js';
import { agentAt, clientAt, faultsOf, groupIn, groupOf, startServer, until } from './support.js';

/** Bob, whose server can be made to name others; and who was asked whether he follows. */
async function setUp() {
  const place = await startServer();
  const agent = await agentAt(place, 'bob');
  const { fetch, rules } = hostile(agent, place.url);
  const asked: string[] = [];
  const accept = ({ by }: { readonly by: string }) => asked.push(by) > 0;
  const bob = await clientAt(place, 'bob', { agent, fetch, accept, waitMs: 200 });
  const [alice, carol] = [await clientAt(place, 'alice'), await clientAt(place, 'carol')];
  const group = await groupOf(alice, carol);
  return { alice, bob, carol, group, rules, asked };
}

test('an invitation of another member than the one who signed the welcome is refused, and nobody is asked about it', async () => {
  const { alice, bob, carol, group, rules, asked } = await setUp();
  rules.change = (_path, answer) =>
    Array.isArray(answer['invitations'])
      ? { invitations: answer['invitations'].map((one) => ({ ...one, by: carol.did })) }
      : answer;
  await group.add(bob.did);
  await until('bob refuses', () => faultsOf(bob).includes('WELCOME_INVALID:SIGNER'));
  expect(asked).toEqual([]);
  expect(bob.client.groups).toEqual([]);
  rules.change = undefined;
  await group.remove(bob.did);
  await group.add(bob.did);
  await groupIn(bob, group.id);
  expect(asked).toEqual([alice.did]);
  expect(bob.events).toContainEqual({ type: 'joined', group: group.id, by: alice.did });
});

test('who made a commit is told by its signature, whomever the server names; also of one who joins in the open', async () => {
  const { alice, bob, carol, group, rules } = await setUp();
  await group.add(bob.did);
  const bobs = await groupIn(bob, group.id);
  const named = (entry: Entry): Entry => ({ ...entry, by: carol.did });
  rules.change = (_path, answer) => (answer.entries ? { entries: answer.entries.map(named) } : answer);
  await group.rekey();
  await groupIn(bob, group.id, bobs.epoch + 1);
  expect(bob.events.filter(({ type }) => type === 'epoch').at(-1)).toMatchObject({ by: alice.did });
  const open = await bob.client.create({ externalJoin: true });
  rules.change = (_path, answer) =>
    answer.entries ? { entries: answer.entries.map((one) => ({ ...one, by: alice.did })) } : answer;
  await carol.client.join(open.id);
  await groupIn(bob, open.id, 1);
  expect(bob.events.filter(({ type }) => type === 'epoch').at(-1)).toMatchObject({ by: carol.did });
});
