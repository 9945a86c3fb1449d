import { expect, test } from '@jest/globals';
import { idOf, unwrap } from '../support/results.js';
import { until } from '../support/until.js';
import { world } from './support.js';

const CAPABILITIES = [{ name: 'createCharge', scopes: ['payments'] }];

/** Two agents at a relay, of whom Bob can do something; both receive unless said otherwise. */
async function two({ receives = ['alice', 'bob'], discoverable = true } = {}) {
  const { running, registry, person, alice } = await world();
  const bob = await person('able bob', { capabilities: CAPABILITIES, discoverable });
  const heard: unknown[] = [];
  const refused: string[] = [];
  const listen = { onRefused: ({ id }: { id: string }) => void refused.push(id) };
  if (receives.includes('alice')) alice.onMessage(({ payload }) => void heard.push(payload), listen);
  if (receives.includes('bob')) bob.onMessage(({ payload }) => void heard.push(payload), listen);
  return { running, registry, person, alice, bob, heard, refused };
}

test('question and answer are messages, which no handler sees and which do not stay', async () => {
  const { running, alice, bob, heard, refused } = await two();
  const said = unwrap(await alice.discover(bob.did));
  expect(said).toMatchObject({ did: bob.did, capabilities: ['createCharge'], tools: CAPABILITIES });
  unwrap(await alice.send({ to: bob.did, payload: 'after' }));
  await until(() => heard.length === 1, { what: 'the message after it' });
  const kept = () => [alice, bob].flatMap(({ did }) => running.store.list(did, '', 10));
  await until(() => kept().length === 0, { what: 'the acknowledgements' });
  expect([heard, refused]).toEqual([['after'], []]);
});

test('receive() is enough on either side', async () => {
  const { alice, bob } = await two({ receives: [] });
  const stop = new AbortController();
  const waiting = [alice, bob].map((agent) => agent.receiveNext({ signal: stop.signal }));
  expect(unwrap(await alice.discover(bob.did)).capabilities).toEqual(['createCharge']);
  stop.abort();
  expect((await Promise.all(waiting)).map(idOf)).toEqual(['NETWORK_ERROR', 'NETWORK_ERROR']);
});

test('an agent that takes no messages is told so, and loses none by asking', async () => {
  const { running, alice, bob, heard, refused } = await two({ receives: ['bob'] });
  unwrap(await bob.send({ to: alice.did, payload: 'for later' }));
  expect(idOf(await alice.discover(bob.did))).toBe('CAPABILITIES_UNAVAILABLE:NOT_RECEIVING');
  await until(() => running.store.list(alice.did, '', 10).length === 2, {
    what: 'the message and the answer',
  });
  alice.onMessage(({ payload }) => void heard.push(payload), {
    onRefused: ({ id }) => void refused.push(id),
  });
  await until(() => running.store.list(alice.did, '', 10).length === 0, { what: 'that both are taken' });
  expect([heard, refused]).toEqual([['for later'], []]);
});

test('a peer that is away does not answer in time, and a question that waited too long gets no answer', async () => {
  const { alice, bob } = await two({ receives: ['alice'] });
  expect(idOf(await alice.discover(bob.did, { timeoutMs: 300 }))).toBe('CAPABILITIES_UNAVAILABLE:NO_ANSWER');
});

test('one that is not discoverable refuses, and a revoked one is not asked', async () => {
  const { registry, alice, bob, person } = await two({ discoverable: false });
  expect(idOf(await alice.discover(bob.did))).toBe('CAPABILITIES_UNAVAILABLE:REFUSED');
  const carol = await person('carol', { capabilities: CAPABILITIES });
  carol.onMessage(() => {});
  expect(idOf(await alice.discover(carol.did))).toBe('ok');
  registry.revoke(carol.did);
  expect(idOf(await alice.discover(carol.did))).toBe('LOOKUP_FAILED:DID_REVOKED');
});

test('what another puts into the mailbox does not end the wait for the answer', async () => {
  const { running, alice, bob, person, refused } = await two({ receives: ['alice'] });
  const mallory = await person('mallory');
  const asked = alice.discover(bob.did);
  const question = () => running.store.list(bob.did, '', 10)[0]?.envelope;
  await until(() => question() !== undefined, { what: 'the question' });
  // The relay and its operator see the nonce, and nothing else.
  const answer = { to: alice.did, scope: 'xlink:discover', inReplyTo: question()!.nonce, payload: {} };
  for (let n = 0; n < 3; n++) unwrap(await mallory.send(answer));
  await until(() => running.store.list(alice.did, '', 10).length === 0, { what: 'that Alice took them' });
  bob.onMessage(() => {});
  expect(unwrap(await asked).did).toBe(bob.did);
  expect(refused).toEqual([]);
});
