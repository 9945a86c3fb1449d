import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type AuditEntry,
  Identity,
  MemorySequenceStore,
  MemoryTrustRegistry,
  PolicyEngine,
  type SequenceStore,
} from '@private.me/xlink';
import { seedOf } from '../support/agents.js';
import { errorOf, thrownBy } from '../support/results.js';
import { RawSender, senderTo, serveInbox } from './message-support.js';
import { memoryTickets } from './support.js';

const sink = () => {
  const entries: AuditEntry[] = [];
  return { entries, append: async (entry: AuditEntry) => void entries.push(entry) };
};

describe('messages in a session', () => {
  test('the first one brings the offer, the second opens the session, and the rest go through it', async () => {
    const inbox = await serveInbox();
    const sender = await senderTo(inbox);
    for (let n = 0; n < 4; n++) await sender.sent({ n });
    expect(inbox.forms()).toEqual(['envelope', 'handshake', 'session', 'session', 'session']);
    expect(inbox.messages.map(({ payload }) => payload)).toEqual([0, 1, 2, 3].map((n) => ({ n })));
  });

  test('are handed over as envelopes are', async () => {
    const inbox = await serveInbox();
    const sender = await senderTo(inbox);
    const first = await sender.sent({ a: 1 }, { scope: 'orders:new' });
    const more = { scope: 'orders:new', inReplyTo: first.envelopeId };
    const inSession = await sender.sent({ a: 1 }, more);
    const inEnvelope = await sender.sent({ a: 1 }, { ...more, session: false });
    expect([first.inSession, inSession.inSession, inEnvelope.inSession]).toEqual([
      undefined,
      true,
      undefined,
    ]);
    const [, one, other] = inbox.messages;
    expect(Object.keys(one!).sort()).toEqual(Object.keys(other!).sort());
    const { envelopeId, timestamp, ...said } = one!;
    expect(other).toMatchObject(said);
    expect([envelopeId, other!.envelopeId]).toEqual([inSession.envelopeId, inEnvelope.envelopeId]);
    expect(Buffer.from(envelopeId, 'base64url')).toHaveLength(16);
    expect(Math.abs(timestamp - Date.now())).toBeLessThan(30_000);
  });

  test('have no envelope to be kept, and whoever reads it is told so', async () => {
    const inbox = await serveInbox();
    const sender = await senderTo(inbox);
    await sender.sent(1);
    const sent = await sender.sent(2);
    expect([sent.envelopes, sent.inSession, sent.version]).toEqual([[], true, 2]);
    expect((await thrownBy(() => sent.envelope)).id).toBe('INVALID_OPTION');
    expect(JSON.parse(JSON.stringify(sent))).not.toHaveProperty('envelope');
  });

  test('keep the order in which one sender sends them', async () => {
    const inbox = await serveInbox();
    const sender = await senderTo(inbox);
    for (let n = 0; n < 30; n++) await sender.sent(n, n % 7 === 0 ? { session: false } : {});
    expect(inbox.messages.map(({ payload }) => payload)).toEqual(Array.from({ length: 30 }, (_, n) => n));
  });

  test.each([
    ['the transport was not told to', {}, {}, { session: false }],
    ['the receiver takes none', { sessions: false }, {}, {}],
    ['the sender says so', {}, { session: false }, {}],
    ['a version is asked for', {}, { version: 2 }, {}],
    ['it is signed only', { allowCleartext: true }, { signedOnly: true }, {}],
    ['the scope needs a signature', { sessions: { never: ['default'] } }, {}, {}],
  ])('go under envelopes where %s', async (_, forInbox, more, forTransport) => {
    const inbox = await serveInbox(forInbox);
    const sender = await senderTo(inbox, {}, forTransport);
    for (let n = 0; n < 3; n++) expect((await sender.sent(n, more)).envelope).toBeDefined();
    expect(inbox.forms().filter((form) => form !== 'handshake')).toEqual([
      'envelope',
      'envelope',
      'envelope',
    ]);
  });

  test('one that asks for a receipt has an envelope, and gets it', async () => {
    const inbox = await serveInbox();
    const sender = await senderTo(inbox);
    await sender.sent(1);
    const sent = await sender.sent(2, { requestReceipt: true });
    expect(sent).toMatchObject({ receipt: { status: 'processed' } });
    await sender.sent(3);
    expect(inbox.forms()).toEqual(['envelope', 'envelope', 'handshake', 'session']);
  });

  test('are sealed in version 3 sessions by senders of version 3', async () => {
    const inbox = await serveInbox({ agentOptions: { maxVersion: 3, postQuantumSig: true } });
    const sender = await senderTo(inbox, { postQuantumSig: true });
    for (let n = 0; n < 2; n++) await sender.sent(n);
    expect(inbox.messages.map(({ version }) => version)).toEqual([3, 3]);
    expect(inbox.forms()).toContain('session');
  });

  test('large ones travel in several chunks; those that are too large are refused as in envelopes', async () => {
    const inbox = await serveInbox();
    const sender = await senderTo(inbox);
    await sender.sent(0);
    const large = 'x'.repeat(1_000_000);
    expect(await sender.sent(large)).toMatchObject({ inSession: true });
    expect(inbox.messages[1]!.payload).toBe(large);
    const refused = await sender.send('x'.repeat(2_000_000));
    const asEnvelope = await sender.send('x'.repeat(2_000_000), { session: false });
    expect(errorOf(refused).cause).toEqual(errorOf(asEnvelope).cause);
  });

  test('the policy of the receiver decides about each, and what it wants signed goes under an envelope unnoticed', async () => {
    const policy = await PolicyEngine.create({
      rules: [
        { id: 'money', scope: 'pay', require: ['signature-now'] },
        { id: 'notes', scope: 'notes' },
      ],
      onWarning: () => {},
    });
    const inbox = await serveInbox({ agentOptions: { policy } });
    const sender = await senderTo(inbox);
    await sender.sent(0, { scope: 'notes' });
    await sender.sent(1, { scope: 'pay' });
    await sender.sent(2, { scope: 'pay' });
    await sender.sent(3, { scope: 'notes' });
    expect(inbox.forms()).toEqual(['envelope', 'handshake', 'session', 'envelope', 'envelope', 'session']);
    expect(inbox.messages.map(({ payload }) => payload)).toEqual([0, 1, 2, 3]);
  });

  test('limits of the receiver count messages of either form together', async () => {
    const inbox = await serveInbox({ agentOptions: { policy: { rateLimits: { maxPerMinute: 3 } } } });
    const sender = await senderTo(inbox);
    for (let n = 0; n < 3; n++) await sender.sent(n, { session: n > 0 });
    expect(errorOf(await sender.send(3)).cause).toMatchObject({ code: 'RATE_LIMIT_EXCEEDED' });
    expect(inbox.messages).toHaveLength(3);
  });

  test('copies of one are no entries of the audit log: anybody may send them', async () => {
    const there = sink();
    const inbox = await serveInbox({ agentOptions: { audit: there, receiveScopes: ['default'] } });
    const raw = await RawSender.of(inbox);
    const sealed = await raw.seal();
    for (let n = 0; n < 4; n++) await raw.post(sealed);
    expect(there.entries.map(({ decision }) => decision)).toEqual(['received']);
  });

  test('both sides write them into their audit logs', async () => {
    const [there, here] = [sink(), sink()];
    const inbox = await serveInbox({ agentOptions: { audit: there, receiveScopes: ['default'] } });
    const sender = await senderTo(inbox, { audit: here });
    await sender.sent(1);
    const { envelopeId } = await sender.sent(2);
    const facts = {
      type: 'message',
      from: sender.agent.did,
      to: inbox.agent.did,
      scope: 'default',
      envelopeId,
    };
    const entry = { ...facts, request: 'POST /xlink', evidence: 'session' };
    expect(here.entries[1]).toEqual({ ...entry, decision: 'sent' });
    expect(there.entries[1]).toEqual({ ...entry, decision: 'received' });
  });

  test('what cannot be written down is not sent, and not taken', async () => {
    let isDown = false;
    const log = { append: async () => (isDown ? Promise.reject(new Error('disk')) : undefined) };
    const inbox = await serveInbox({ agentOptions: { audit: log } });
    const sender = await senderTo(inbox);
    await sender.sent(1);
    await sender.sent(2);
    isDown = true;
    expect(errorOf(await sender.send(3)).cause).toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
    expect(inbox.messages).toHaveLength(2);
    const own = await senderTo(inbox, { audit: log });
    expect((await own.send(4)).ok).toBe(false);
  });

  test('while its store of numbers is down, envelopes go on', async () => {
    let isDown = false;
    const memory = new MemorySequenceStore();
    const sequences: SequenceStore = {
      claimSequence: (use, ttlMs) => {
        if (isDown) throw new Error('down');
        return memory.claimSequence(use, ttlMs);
      },
    };
    const inbox = await serveInbox({ sessions: { sequences, tickets: memoryTickets() } });
    const sender = await senderTo(inbox, {}, { retries: 0 });
    for (let n = 0; n < 2; n++) await sender.sent(n);
    isDown = true;
    for (let n = 2; n < 5; n++) await sender.sent(n);
    expect(inbox.messages.map(({ payload }) => payload)).toEqual([0, 1, 2, 3, 4]);
    expect(inbox.forms().slice(3)).toEqual(['session', 'envelope', 'envelope', 'envelope']);
  });

  test('a receiver that was started anew has other ticket keys: senders recover by themselves, and nothing is lost or doubled', async () => {
    const registry = new MemoryTrustRegistry();
    const identity = await Identity.fromSeed(seedOf('inbox that is started anew'));
    const start = () => serveInbox({ agent: new Agent({ identity, registry }) });
    const first = await start();
    await Agent.fromSeed({ seed: seedOf('inbox that is started anew'), registry });
    let { url } = first;
    const there: typeof fetch = (input, init) => fetch(String(input).replace(first.url, url), init);
    const sender = await senderTo(first, {}, { fetch: there, retries: 0 });
    for (let n = 0; n < 3; n++) await sender.sent(n);
    const second = await start();
    ({ url } = second);
    for (let n = 3; n < 6; n++) await sender.sent(n);
    expect(first.messages.map(({ payload }) => payload)).toEqual([0, 1, 2]);
    expect(second.messages.map(({ payload }) => payload)).toEqual([3, 4, 5]);
    expect(second.forms()[0]).toBe('session');
    expect(second.asked[1]!.url).toMatch(/^\/xlink\?xlink-supersedes=/);
  });

  test('a receiver that takes no sessions any more gets envelopes', async () => {
    const registry = new MemoryTrustRegistry();
    const agent = await Agent.quickstart({ registry });
    const first = await serveInbox({ agent });
    const second = await serveInbox({ agent, sessions: false });
    let { url } = first;
    const there: typeof fetch = (input, init) => fetch(String(input).replace(first.url, url), init);
    const sender = await senderTo(first, {}, { fetch: there, retries: 0 });
    for (let n = 0; n < 2; n++) await sender.sent(n);
    ({ url } = second);
    for (let n = 2; n < 4; n++) await sender.sent(n);
    expect(second.forms()).toEqual(['session', 'envelope', 'envelope']);
    expect(second.messages.map(({ payload }) => payload)).toEqual([2, 3]);
  });

  test('options that only requests have are refused by name', async () => {
    const agent = await Agent.quickstart();
    const refused = (sessions: unknown) => thrownBy(() => agent.middleware({ sessions: sessions as never }));
    for (const more of [{ checkpoints: true }, { onCheckpoint: () => {} }])
      expect((await refused(more)).message).toMatch(/signed afterwards/);
    for (const more of ['yes', { lifetime: 1 }, { lifetimeMs: 1 }])
      expect((await refused(more)).id).toBe('INVALID_OPTION');
  });
});
