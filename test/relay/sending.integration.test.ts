import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { type Agent, Identity, MemoryTrustRegistry } from '@private.me/xlink';
import { seedOf } from '../support/agents.js';
import { frozenClock } from '../support/clock.js';
import { idOf, unwrap } from '../support/results.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';
import { startRelay } from '../transport/servers.js';
import { codeOf, idsOf, post, pull, world } from './support.js';

describe('what is sent to the relay', () => {
  test('is answered with 202 once it is in the file, and is there after a restart', async () => {
    const folder = await temporaryFolder();
    const { running, alice, bob } = await world({ folder });
    const { envelope } = unwrap(await alice.send({ to: bob.did, payload: 'kept' }));
    expect(await readFile(running.file, 'utf8')).toContain(envelope.signature);
    await running.stop();
    const again = await startRelay({ folder });
    const { body } = await pull(bob, again);
    expect(body.messages).toEqual([{ id: '1', envelope: { ...envelope } }]);
  });

  test('is refused unless its sender signed all of it', async () => {
    const { running, alice, bob } = await world();
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    const carol = await Identity.fromSeed(seedOf('relay carol'));
    for (const changed of [
      { from: carol.did },
      { to: carol.did },
      { scope: 'other' },
      { timestamp: envelope.timestamp + 1 },
      { payload: `${envelope.payload!.slice(0, -4)}AAAA` },
      { signature: `${envelope.signature.slice(0, -4)}AAAA` },
    ]) {
      const answer = await post(running.url, '/relay/send', { ...envelope, ...changed });
      expect([changed, answer.status, codeOf(answer)]).toEqual([
        changed,
        401,
        'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
      ]);
    }
    expect(idsOf(await pull(bob, running))).toEqual([]);
    expect((await post(running.url, '/relay/send', envelope)).status).toBe(202);
  });

  test.each([
    ['no JSON', 'nonsense', 400, 'PARSE_FAILED:SYNTAX'],
    ['another object', { a: 1 }, 400, 'PARSE_FAILED:UNKNOWN_FIELD'],
    ['too much', 'x'.repeat(1.5 * 1024 * 1024 + 1), 413, 'ENVELOPE_TOO_LARGE'],
  ])('is refused if it is %s', async (_, body, status, code) => {
    const { running } = await world();
    const answer = await post(running.url, '/relay/send', body);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });

  test('is refused if it is old or from the future, so nobody can fill mailboxes with what he has recorded', async () => {
    const clock = frozenClock();
    const { running, alice, bob } = await world({ clock });
    const old = await alice.createEnvelope({ to: bob.did, payload: 1 });
    clock.advance(30_001);
    expect(codeOf(await post(running.url, '/relay/send', old))).toBe('TIMESTAMP_EXPIRED');
    const young = await alice.createEnvelope({ to: bob.did, payload: 1 });
    clock.advance(-30_001);
    expect(codeOf(await post(running.url, '/relay/send', young))).toBe('TIMESTAMP_EXPIRED:FUTURE');
  });

  test('twice, at the same time or later, is there once, also after it was fetched', async () => {
    const { running, alice, bob } = await world();
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    const send = () => post(running.url, '/relay/send', envelope);
    const answers = await Promise.all(Array.from({ length: 8 }, send));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(202));
    expect(idsOf(await pull(bob, running))).toEqual(['1']);
    expect(idsOf(await pull(bob, running, { ack: ['1'] }))).toEqual([]);
    expect((await send()).status).toBe(202);
    expect(idsOf(await pull(bob, running))).toEqual([]);
  });
});

describe('quotas', () => {
  test('hold back a sender, whoever he sends to, and nobody else', async () => {
    const { person, alice, bob } = await world({ limits: { messagesPerSender: 3 } });
    const carol = await person('carol');
    for (let n = 0; n < 3; n++) unwrap(await alice.send({ to: bob.did, payload: n }));
    expect(idOf(await alice.send({ to: bob.did, payload: 4 }))).toBe('SEND_FAILED:QUOTA');
    expect(idOf(await alice.send({ to: carol.did, payload: 4 }))).toBe('SEND_FAILED:QUOTA');
    unwrap(await carol.send({ to: bob.did, payload: 5 }));
    const got: unknown[] = [];
    bob.onMessage(({ payload }) => void got.push(payload));
    await until(() => got.length === 4, { what: 'four messages' });
    await until(async () => (await alice.send({ to: bob.did, payload: 6 })).ok, { what: 'room' });
  });

  test('hold back what a mailbox has no room for, in messages and in bytes', async () => {
    const { person, alice, bob } = await world({ limits: { messagesPerMailbox: 2, bytesPerSender: 8192 } });
    const carol = await person('carol');
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    unwrap(await carol.send({ to: bob.did, payload: 2 }));
    expect(idOf(await carol.send({ to: bob.did, payload: 3 }))).toBe('SEND_FAILED:MAILBOX_FULL');
    expect(idOf(await alice.send({ to: carol.did, payload: 'x'.repeat(6000) }))).toBe('SEND_FAILED:QUOTA');
    unwrap(await alice.send({ to: carol.did, payload: 'small' }));
  });

  test('hold back a sender that is too fast, until time has passed', async () => {
    const clock = frozenClock();
    const { alice, bob } = await world({ clock, sendsPerMinute: 2 });
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    unwrap(await alice.send({ to: bob.did, payload: 2 }));
    expect(idOf(await alice.send({ to: bob.did, payload: 3 }))).toBe('SEND_FAILED:QUOTA');
    clock.advance(30_000);
    unwrap(await alice.send({ to: bob.did, payload: 4 }));
    expect(idOf(await alice.send({ to: bob.did, payload: 5 }))).toBe('SEND_FAILED:QUOTA');
  });

  test('forged envelopes use up nothing of whom they name', async () => {
    const { running, alice, bob } = await world({ limits: { messagesPerSender: 1 }, sendsPerMinute: 1 });
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    for (let n = 0; n < 5; n++) await post(running.url, '/relay/send', { ...envelope, scope: `s${n}` });
    unwrap(await alice.send({ to: bob.did, payload: 2 }));
  });

  test('are counted again after a restart', async () => {
    const folder = await temporaryFolder();
    const limits = { messagesPerSender: 1 };
    const { running, alice, bob } = await world({ folder, limits });
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    await running.stop();
    const again = await startRelay({ folder, limits });
    const more = await alice.createEnvelope({ to: bob.did, payload: 2 });
    expect(codeOf(await post(again.url, '/relay/send', more))).toBe('SEND_FAILED:QUOTA');
  });

  test('keep everybody out who is not in the registry, or was revoked', async () => {
    const members = new MemoryTrustRegistry();
    const { running, registry, person, alice, bob } = await world({ registry: members });
    const send = async (from: Agent, to: Agent) => idOf(await from.send({ to: to.did, payload: 1 }));
    expect(await send(alice, bob)).toBe('RELAY_NOT_ALLOWED');
    unwrap(await members.register(registry.lookup(alice.did)!));
    expect(await send(alice, bob)).toBe('SEND_FAILED'); // no such mailbox
    unwrap(await members.register(registry.lookup(bob.did)!));
    expect(await send(alice, bob)).toBe('ok');
    expect(codeOf(await pull(await person('mallory'), running))).toBe('RELAY_NOT_ALLOWED');
    unwrap(await members.revoke(bob.did));
    expect(codeOf(await pull(bob, running))).toBe('RELAY_NOT_ALLOWED');
  });
});
