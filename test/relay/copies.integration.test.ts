// Whoever sees an envelope on its way can send it again, any number of times.
import { describe, expect, test } from '@jest/globals';
import { type Agent, type Envelope, MemoryTrustRegistry } from '@private.me/xlink';
import { frozenClock } from '../support/clock.js';
import { idOf, unwrap } from '../support/results.js';
import type { RelaySetup } from '../transport/servers.js';
import { codeOf, post, world } from './support.js';

/** A relay where time stands still, so that no quota comes back. */
async function still(setup: RelaySetup) {
  const made = await world({ clock: frozenClock(), ...setup });
  const { running } = made;
  const post1 = (envelope: Envelope) => post(running.url, '/relay/send', envelope);
  const copies = async (envelope: Envelope, count: number) => {
    const answers = await Promise.all(Array.from({ length: count }, () => post1(envelope)));
    return new Set(answers.map((answer) => (answer.status === 202 ? 202 : codeOf(answer))));
  };
  const send = async (from: Agent, to: Agent) => idOf(await from.send({ to: to.did, payload: 1 }));
  return { ...made, copies, send, post1 };
}

const SENT = new Set([202]);

describe('copies of an envelope', () => {
  test('use up nothing of its sender, and are answered as the first was', async () => {
    const { running, alice, bob, copies, send, post1 } = await still({ sendsPerMinute: 4 });
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    expect(await copies(envelope, 30)).toEqual(SENT); // the first of them is the message
    for (let n = 0; n < 10; n++) expect((await post1(envelope)).status).toBe(202);
    expect(await copies(envelope, 30)).toEqual(SENT);
    for (let n = 0; n < 3; n++) expect(await send(alice, bob)).toBe('ok');
    expect(await send(alice, bob)).toBe('SEND_FAILED:QUOTA');
    expect(await copies(envelope, 30)).toEqual(SENT);
    expect(await send(alice, bob)).toBe('SEND_FAILED:QUOTA');
    const [first, ...others] = running.store.list(bob.did, '', 100);
    expect([first!.envelope.nonce, others.length]).toEqual([envelope.nonce, 3]);
    await running.store.ack(bob.did, [first!.id]);
    expect(await copies(envelope, 5)).toEqual(SENT);
    expect(running.store.list(bob.did, '', 100)).toHaveLength(3);
  });

  test('use up nothing of its sender where it was refused, either', async () => {
    const { person, alice, bob, copies, send } = await still({
      sendsPerMinute: 3,
      limits: { messagesPerMailbox: 1 },
    });
    const carol = await person('carol');
    expect(await send(alice, bob)).toBe('ok');
    const refused = await alice.createEnvelope({ to: bob.did, payload: 2 });
    for (let n = 0; n < 5; n++)
      expect(await copies(refused, 3)).toEqual(new Set(['SEND_FAILED:MAILBOX_FULL']));
    expect(await send(alice, carol)).toBe('ok');
    expect(await send(alice, await person('dan'))).toBe('ok');
    expect(await send(alice, await person('eve'))).toBe('SEND_FAILED:QUOTA');
  });

  test('count for the address that they come from', async () => {
    const { running, alice, bob, send } = await still({
      requestsPerAddress: 10,
      addressOf: (req) => req.headers['x-from'] as string | undefined,
    });
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    const statuses: number[] = [];
    for (let n = 0; n < 12; n++) {
      const answer = await fetch(`${running.url}/relay/send`, {
        method: 'POST',
        body: JSON.stringify(envelope),
        headers: { 'x-from': '192.0.2.66' },
      });
      statuses.push(answer.status);
    }
    expect(statuses).toEqual([...Array(10).fill(202), 429, 429]);
    expect(await send(alice, bob)).toBe('ok');
  });
});

test('a copy with another ML-DSA signature does not get in ahead of its envelope', async () => {
  const members = new MemoryTrustRegistry();
  const { running, registry, person, bob, copies, post1 } = await still({ registry: members });
  const alice = await person('alice', { postQuantumSig: true });
  const peer = await person('pat', { postQuantumSig: true });
  for (const { did } of [alice, peer]) unwrap(await members.register(registry.lookup(did)!));
  const envelope = await alice.createEnvelope({ to: peer.did, payload: 1 });
  const { pqSignature } = await alice.createEnvelope({ to: peer.did, payload: 2 });
  expect([envelope.version, typeof pqSignature]).toEqual([3, 'string']);
  const altered = { ...envelope, pqSignature: pqSignature! };
  expect(codeOf(await post1(altered))).toBe('VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH');
  expect(await copies(envelope, 3)).toEqual(SENT);
  expect(running.store.list(peer.did, '', 5).map((one) => one.envelope.pqSignature)).toEqual([
    envelope.pqSignature,
  ]);
  // A registry without their key records has nothing to check it with.
  unwrap(await members.add(bob.did));
  const eve = await person('eve', { postQuantumSig: true });
  unwrap(await members.add(eve.did));
  expect(await copies(await eve.createEnvelope({ to: bob.did, payload: 3 }), 2)).toEqual(SENT);
});

test('many senders at once: what each is counted for is what was stored', async () => {
  const { running, person, bob, copies } = await still({ sendsPerMinute: 5 });
  const people = await Promise.all(['a', 'b', 'c', 'd'].map((name) => person(name)));
  const made = await Promise.all(
    people.flatMap((one) =>
      Array.from({ length: 8 }, (_, n) => one.createEnvelope({ to: bob.did, payload: n })),
    ),
  );
  await Promise.all(made.map((envelope) => copies(envelope, 3)));
  const stored = running.store.list(bob.did, '', 100).map(({ envelope }) => envelope.from);
  for (const { did } of people) expect(stored.filter((from) => from === did)).toHaveLength(5);
  unwrap(await bob.send({ to: people[0]!.did, payload: 'back' }));
});
