import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Agent, Identity, type Receipt } from '@private.me/xlink';
import { type AuditEntry, AuditLog } from '@private.me/xlink/audit';
import { signCheckpoint } from '../../src/audit/checkpoint.js';
import { jsonContent } from '../../src/envelope/plaintext.js';
import { signOnlyEnvelope } from '../../src/envelope/seal.js';
import { readReceipt } from '../../src/receipts/receipt.js';
import { afterTest } from '../support/after-test.js';
import { identityOf } from '../support/agents.js';
import { changed } from '../support/changed.js';
import { idOf, unwrap } from '../support/results.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { World } from '../support/world.js';

async function logOf(identity: Identity, name: string) {
  const organization = await Identity.fromSeed(new Uint8Array(32).fill(5));
  const log = await AuditLog.open({
    folder: join(await temporaryFolder(), name),
    identity,
    organization,
    name,
  });
  afterTest(() => log.close());
  return log;
}

/** Bob keeps a log, signed by himself unless said otherwise. */
async function logged(signer = 'bob') {
  const world = new World();
  const identity = await identityOf('bob', 2);
  const log = await logOf(await identityOf(signer, 2), 'main');
  const alice = await world.agent('alice');
  const bob = await world.agent('bob', { audit: log });
  bob.onMessage(() => {});
  const send = async () => {
    const payload = { action: 'createCharge', amount: 10000 };
    const sent = unwrap(await alice.send({ to: bob.did, payload, scope: 'payments', requestReceipt: true }));
    return { sent, receipt: sent.receipt! };
  };
  return { world, identity, log, alice, bob, send, ...(await send()) };
}

const SAID = (receipt: Receipt) => JSON.parse(Buffer.from(receipt.envelope.payload!, 'base64url').toString());

/** The receipt with something else in it, signed by Bob all the same. */
async function resigned(identity: Identity, receipt: Receipt, change: object): Promise<Receipt> {
  const { to, timestamp, scope, inReplyTo, version } = receipt.envelope;
  const draft = {
    version,
    kind: 'receipt',
    to,
    timestamp,
    nonce: new Uint8Array(16).fill(9),
    scope,
  } as const;
  const payload = jsonContent({ ...SAID(receipt), ...change }).bytes;
  const envelope = await signOnlyEnvelope(identity, { ...draft, inReplyTo }, payload);
  try {
    return readReceipt(envelope).receipt;
  } catch {
    return { ...receipt, envelope }; // the one who verifies it says what is wrong
  }
}

const verdict = async (verifier: Agent, receipt: Receipt) => idOf(await verifier.verifyReceipt(receipt));

describe('a receipt of an agent with an audit log', () => {
  test('proves, to an auditor with nothing else, that its message is in the log that the signer signed', async () => {
    const { receipt, sent, bob, log } = await logged();
    expect(receipt.logIndex).toBe(1); // behind the entry of the message
    expect(receipt.checkpoint).toContain(`${log.origin}\n2\n`);
    const stored = JSON.parse(JSON.stringify(receipt)) as Receipt;
    const auditor = await new World().agent('auditor');
    expect(await verdict(auditor, stored)).toBe('ok');
    expect(unwrap(await auditor.verifyReceipt(stored, { of: sent.envelope })).signer).toBe(bob.did);
  });

  test('is entered once: what became of the message is in the receipts, and both prove one entry', async () => {
    const { alice, bob, log, sent } = await logged();
    const { envelope } = unwrap(await alice.send({ to: alice.did, payload: 1 }));
    expect(envelope.to).toBe(alice.did);
    const more = await alice.createEnvelope({ to: bob.did, payload: 2 });
    const message = unwrap(await bob.receive(more));
    const made = [await bob.createReceipt(message), await bob.createReceipt(message, 'failed')];
    const [first, second] = made.map((one) => readReceipt(one).receipt) as [Receipt, Receipt];
    expect([first.status, second.status]).toEqual(['received', 'failed']);
    expect(first.logIndex).toBe(second.logIndex);
    for (const one of [first, second]) expect(await verdict(alice, one)).toBe('ok');
    const types: (string | undefined)[] = [];
    for await (const { type, envelopeId } of log.entries())
      types.push(`${type} ${envelopeId === sent.envelopeId}`);
    expect(types).toEqual(['message true', 'receipt true', 'message false', 'receipt false']);
  });

  test('shares a signature with those that are written at the same time', async () => {
    const { alice, bob, send } = await logged();
    const many = await Promise.all(Array.from({ length: 20 }, send));
    for (const { receipt, sent } of many)
      expect(idOf(await alice.verifyReceipt(receipt, { of: sent.envelope }))).toBe('ok');
    const places = many.map(({ receipt }) => receipt.logIndex);
    expect(new Set(places).size).toBe(20);
    expect(bob.did).toBe(many[0]!.receipt.signer);
  });

  test('has no proof where another identity signs the log: nobody could tell whose it is', async () => {
    const { receipt, alice } = await logged('somebody else');
    expect([receipt.status, receipt.logIndex, receipt.proof]).toEqual(['processed', undefined, undefined]);
    expect(await verdict(alice, receipt)).toBe('ok');
  });

  test('is not signed if the log cannot write', async () => {
    const { alice, bob, log } = await logged();
    const message = unwrap(await bob.receive(await alice.createEnvelope({ to: bob.did, payload: 3 })));
    await log.close();
    await expect(bob.createReceipt(message)).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
  });

  test('is asked for by agents that keep a log, too', async () => {
    const world = new World();
    const audit = await logOf(await identityOf('alice', 2), 'hers');
    const alice = await world.agent('alice', { audit });
    const bob = await world.agent('bob');
    bob.onMessage(() => {});
    const sent = unwrap(await alice.send({ to: bob.did, payload: 1, requestReceipt: true }));
    expect(sent.receipt).toMatchObject({ signer: bob.did, status: 'processed' });
  });
});

describe('a receipt is refused, though its signer signed it,', () => {
  test('with the proof of another entry', async () => {
    const { identity, receipt, alice, send } = await logged();
    const other = (await send()).receipt;
    const { proof, checkpoint, logIndex } = other;
    const bad = await resigned(identity, receipt, { proof, checkpoint, logIndex });
    expect(await verdict(alice, bad)).toBe('RECEIPT_INVALID:OTHER_ENTRY');
    const moved = await resigned(identity, receipt, { proof, checkpoint });
    expect(await verdict(alice, moved)).toBe('RECEIPT_INVALID:PROOF');
  });

  test('with the entry of something else that he wrote down', async () => {
    const { identity, receipt, alice, log } = await logged();
    const entries: AuditEntry[] = [
      { type: 'note', from: receipt.signer, to: receipt.recipient, envelopeId: receipt.inReplyTo },
      { type: 'receipt', from: receipt.signer, to: receipt.recipient, envelopeId: receipt.inReplyTo },
    ];
    for (const entry of entries) {
      const { seq, proof, checkpoint } = (await log.appendProven(entry))!;
      const bad = await resigned(identity, receipt, { logIndex: seq, proof, checkpoint });
      expect(await verdict(alice, bad)).toBe('RECEIPT_INVALID:OTHER_ENTRY');
    }
  });

  test('with the checkpoint of another log of his', async () => {
    const { identity, receipt, alice } = await logged();
    const other = await logOf(identity, 'second');
    const checkpoints: string[] = [];
    for (let i = 0; i < 3; i++) checkpoints.push((await other.appendProven({ type: 'note' }))!.checkpoint);
    for (const checkpoint of checkpoints) {
      const bad = await resigned(identity, receipt, { checkpoint });
      expect(await verdict(alice, bad)).toBe('RECEIPT_INVALID:PROOF');
    }
  });

  test('with a checkpoint by another DID, under that name or his own', async () => {
    const { identity, receipt, alice, log } = await logged();
    const mallory = await identityOf('mallory', 2);
    const root = new Uint8Array(32);
    for (const origin of [`${mallory.did}/main`, log.origin]) {
      const checkpoint = await signCheckpoint(mallory, { origin, size: 2, root });
      const bad = await resigned(identity, receipt, { checkpoint });
      expect(await verdict(alice, bad)).toBe('RECEIPT_INVALID:CHECKPOINT');
    }
  });

  test('with a checkpoint or a proof that was changed, or is none', async () => {
    const { identity, receipt, alice } = await logged();
    const checkpoint = receipt.checkpoint!.replace('\n2\n', '\n3\n');
    const [proof] = receipt.proof!.split('.').slice(-1);
    for (const [change, id] of [
      [{ checkpoint }, 'RECEIPT_INVALID:CHECKPOINT'],
      [{ checkpoint: 'x' }, 'RECEIPT_INVALID:CHECKPOINT'],
      [{ proof: receipt.proof!.replace(proof!, changed(proof!)) }, 'RECEIPT_INVALID:PROOF'],
      [{ proof: '' }, 'RECEIPT_INVALID:PROOF'],
      [{ logIndex: -1 }, 'RECEIPT_INVALID'],
      [{ logIndex: 0 }, 'RECEIPT_INVALID:PROOF'],
    ] as const)
      expect([change, await verdict(alice, await resigned(identity, receipt, change))]).toEqual([change, id]);
    const { logIndex: _, ...half } = SAID(receipt);
    const { version, to, timestamp, scope, inReplyTo } = receipt.envelope;
    const draft = { version, kind: 'receipt', to, timestamp, nonce: new Uint8Array(16), scope } as const;
    const halved = await signOnlyEnvelope(identity, { ...draft, inReplyTo }, jsonContent(half).bytes);
    expect(() => readReceipt(halved)).toThrow(expect.objectContaining({ id: 'RECEIPT_INVALID' }));
  });

  test('that says beside it that it is elsewhere in the log', async () => {
    const { receipt, alice } = await logged();
    for (const name of ['logIndex', 'proof', 'checkpoint'] as const) {
      const { [name]: _, ...without } = receipt;
      expect(await verdict(alice, without as Receipt)).toBe('RECEIPT_INVALID:ALTERED');
      expect(await verdict(alice, { ...receipt, [name]: 7 } as never)).toBe('RECEIPT_INVALID:ALTERED');
    }
  });
});
