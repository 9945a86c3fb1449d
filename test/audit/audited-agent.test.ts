import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Agent, createKeyRecord, Identity, MemoryTrustRegistry } from '@private.me/xlink';
import { type AuditEntry, AuditLog, type RecordedEntry } from '@private.me/xlink/audit';
import { BaseAgent } from '../../src/agent/agent.js';
import { identityOf } from '../support/agents.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { pair } from '../support/world.js';

const memory = () => {
  const entries: AuditEntry[] = [];
  const log = {
    entries,
    fails: false,
    append: async (entry: AuditEntry) => {
      if (log.fails) throw new Error('the disk is full');
      entries.push(entry);
    },
  };
  return log;
};
const PAYLOAD = { action: 'submitTradeOrder', symbol: 'AAPL', qty: 1000 };

describe('an agent with an audit log', () => {
  test('as in the white papers: AuditLog.enterprise, Agent.create, send', async () => {
    const folder = await temporaryFolder();
    const organization = await Identity.fromSeed(new Uint8Array(32).fill(5));
    await writeFile(join(folder, 'org.json'), JSON.stringify(await createKeyRecord(organization)));
    const before = { ...process.env };
    Object.assign(process.env, {
      XLINK_AUDIT_DIR: join(folder, 'log'),
      XLINK_ORG_RECORD: join(folder, 'org.json'),
    });
    try {
      const audit = await AuditLog.enterprise({
        retention: '7-years',
        encryption: 'org-key',
        hmacChain: true,
        immutable: true,
      });
      const registry = new MemoryTrustRegistry();
      const counterparty = (await Agent.create({ name: 'counterparty', registry })).value!;
      const agent = (await Agent.create({ name: 'trading-agent-47', registry, audit })).value!;
      const sent = await agent.send({ to: counterparty.did, payload: PAYLOAD, scope: 'trading' });
      expect(sent.ok).toBe(true);
      await audit.store({ status: 'processed', signer: counterparty.did });
      expect(await audit.verify()).toMatchObject({ ok: true, size: 2 });
      await audit.close();
      const identity = await Identity.fromPKCS8(
        await (await import('node:fs/promises')).readFile(join(folder, 'log/service.der')),
      );
      const reading = await AuditLog.open({ folder: join(folder, 'log'), identity, organization });
      const entries: RecordedEntry[] = [];
      for await (const entry of reading.entries()) entries.push(entry);
      await reading.close();
      expect(entries).toMatchObject([
        {
          type: 'message',
          from: agent.did,
          to: counterparty.did,
          scope: 'trading',
          evidence: 'signed',
          decision: 'sent',
        },
        { type: 'evidence', data: { status: 'processed' } },
      ]);
    } finally {
      process.env = before;
    }
  });

  test('without the record of an organization there is none, and the error says what to do', async () => {
    await expect(AuditLog.enterprise()).rejects.toMatchObject({
      id: 'INVALID_OPTION',
      field: 'organization',
    });
    await expect(AuditLog.enterprise({ immutable: false as true })).rejects.toMatchObject({
      field: 'immutable',
    });
    await expect(AuditLog.enterprise({ retention: 'forever' as never })).rejects.toMatchObject({
      field: 'retention',
    });
  });

  test('what it sends and receives are entries, with the envelope', async () => {
    const [mine, theirs] = [memory(), memory()];
    const { alice, bob } = await pair({ audit: mine }, { audit: theirs });
    const sent = await alice.send({ to: bob.did, payload: PAYLOAD, scope: 'trading' });
    expect((await bob.receive(sent)).ok).toBe(true);
    expect((await bob.receive(sent)).error).toMatchObject({ code: 'REPLAY_DETECTED' });
    const { envelope } = sent.value!;
    expect(mine.entries).toMatchObject([
      { decision: 'sent', from: alice.did, to: bob.did, envelope, envelopeId: envelope.nonce },
    ]);
    expect(theirs.entries).toMatchObject([
      { decision: 'received', from: alice.did, scope: 'trading', envelope },
    ]);
  });

  test('a refusal of a sender that is known is an entry', async () => {
    const theirs = memory();
    const { world, alice } = await pair();
    const { registry, clock } = world;
    const identity = await identityOf('bob', 2);
    const bob = new Agent({ identity, registry, clock, audit: theirs, receiveScopes: ['other'] });
    const sent = await alice.send({ to: bob.did, payload: PAYLOAD, scope: 'trading' });
    expect((await bob.receive(sent)).error).toMatchObject({ code: 'SCOPE_NOT_ALLOWED' });
    expect(theirs.entries).toMatchObject([
      { decision: 'refused', reason: 'SCOPE_NOT_ALLOWED', from: alice.did },
    ]);
  });

  test('what cannot be kept is neither sent nor handed over', async () => {
    const [mine, theirs] = [memory(), memory()];
    const { alice, bob } = await pair({ audit: mine }, { audit: theirs });
    mine.fails = true;
    const refused = await alice.send({ to: bob.did, payload: PAYLOAD, scope: 'trading' });
    expect(refused).toMatchObject({
      ok: false,
      error: { code: 'SEND_FAILED', cause: { code: 'AUDIT_UNAVAILABLE' } },
    });
    mine.fails = false;
    theirs.fails = true;
    const sent = await alice.send({ to: bob.did, payload: PAYLOAD, scope: 'trading' });
    expect((await bob.receive(sent)).error).toMatchObject({ code: 'AUDIT_UNAVAILABLE', status: 503 });
  });

  test('gets receipts as any other', async () => {
    const { alice, bob } = await pair({ audit: memory() });
    bob.onMessage(() => {});
    const sent = await alice.send({ to: bob.did, payload: PAYLOAD, requestReceipt: true });
    expect(sent.value?.receipt).toMatchObject({ signer: bob.did, status: 'processed' });
  });

  test('discovers others as any other, and has that in its log', async () => {
    const [mine, theirs] = [memory(), memory()];
    const { alice, bob } = await pair({ audit: mine }, { audit: theirs, capabilities: ['trade'] });
    expect((await alice.discover(bob.did)).value?.capabilities).toEqual(['trade']);
    const entry = { from: alice.did, to: bob.did, scope: 'xlink:discover' };
    expect(mine.entries).toMatchObject([{ ...entry, decision: 'sent' }]);
    expect(theirs.entries).toMatchObject([{ ...entry, decision: 'received' }]);
  });

  test('an agent for callers of APIs has no such option', async () => {
    const identity = await Identity.fromSeed(new Uint8Array(32).fill(6));
    expect(() => new BaseAgent({ identity, audit: memory() })).toThrow(/audit must be left out/);
  });
});
