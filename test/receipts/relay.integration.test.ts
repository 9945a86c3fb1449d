import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { AgentMessage, Envelope, Receipt, Transport, XlinkError } from '@private.me/xlink';
import { FileRelayStore } from '@private.me/xlink/file';
import { world } from '../relay/support.js';
import { afterTest } from '../support/after-test.js';
import { idOf, unwrap } from '../support/results.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';

const nothing = () => {};

async function asking(options: { receiptTimeoutMs?: number } = {}) {
  const made = await world();
  const receipts: Receipt[] = [];
  const refused: [string, Envelope][] = [];
  made.alice.onMessage(nothing, {
    onReceipt: (receipt) => void receipts.push(receipt),
    onRefused: ({ id }: XlinkError, envelope) => void refused.push([id, envelope]),
  });
  const send = async () =>
    unwrap(await made.alice.send({ to: made.bob.did, payload: 1, requestReceipt: true, ...options }));
  return { ...made, receipts, refused, send };
}

describe('a receipt through a relay', () => {
  test('comes later, verified, and of this very message', async () => {
    const { alice, bob, receipts, send } = await asking();
    const sent = await send();
    expect(sent.receipt).toBeUndefined();
    bob.onMessage(nothing);
    const receipt = unwrap(await sent.receiptLater!);
    expect(receipt).toMatchObject({ signer: bob.did, status: 'processed', inReplyTo: sent.envelopeId });
    expect(idOf(await alice.verifyReceipt(receipt, { of: sent.envelope }))).toBe('ok');
    await until(() => receipts.length === 1);
    expect(receipts).toEqual([receipt]);
  });

  test('comes to an agent whose handlers are told of none', async () => {
    const { alice, bob } = await world();
    for (const one of [alice, bob]) one.onMessage(nothing);
    const sent = unwrap(await alice.send({ to: bob.did, payload: 1, requestReceipt: true }));
    expect(unwrap(await sent.receiptLater!)).toMatchObject({ signer: bob.did, status: 'processed' });
  });

  test('says received for an agent that asks for its messages', async () => {
    const { alice, bob, send } = await asking();
    const sent = await send();
    unwrap(await bob.receive());
    expect(unwrap(await sent.receiptLater!)).toMatchObject({ status: 'received', recipient: alice.did });
  });

  test('is not asked for where nobody asks', async () => {
    const { alice, bob, receipts } = await asking();
    const got: AgentMessage[] = [];
    bob.onMessage((message) => void got.push(message));
    expect(unwrap(await alice.send({ to: bob.did, payload: 1 }))).not.toHaveProperty('receiptLater');
    unwrap(await bob.send({ to: alice.did, payload: 1 }));
    await until(() => got.length === 1);
    expect(receipts).toEqual([]);
  });

  test('is one for each: a message that came twice, as its handler failed, has one receipt', async () => {
    const { bob, receipts, send } = await asking();
    let calls = 0;
    bob.onMessage(() => {
      if (++calls === 1) throw new Error('not yet');
    });
    const sent = await send();
    expect(unwrap(await sent.receiptLater!).status).toBe('processed');
    await until(() => receipts.length === 1);
    expect(calls).toBe(2);
  });

  test('that does not come in time is said to be missing; when it comes, the handler has it', async () => {
    const { bob, receipts, send } = await asking({ receiptTimeoutMs: 50 });
    const sent = await send();
    expect(idOf(await sent.receiptLater!)).toBe('RECEIPT_MISSING');
    bob.onMessage(nothing);
    await until(() => receipts.length === 1);
    expect(receipts[0]).toMatchObject({ inReplyTo: sent.envelopeId });
  });

  test('is missing at once for an agent that takes no messages, and is there for the process that does', async () => {
    const { person, bob, alice } = await world();
    const sent = unwrap(await alice.send({ to: bob.did, payload: 1, requestReceipt: true }));
    expect(idOf(await sent.receiptLater!)).toBe('RECEIPT_MISSING:NOT_RECEIVING');
    bob.onMessage(nothing);
    const receipts: Receipt[] = [];
    const again = await person('alice');
    again.onMessage(nothing, { onReceipt: (receipt) => void receipts.push(receipt) });
    await until(() => receipts.length === 1);
    expect(idOf(await again.verifyReceipt(receipts[0]!, { of: sent.envelope }))).toBe('ok');
  });

  test('is missing when the agent is disposed', async () => {
    const { alice, send } = await asking();
    const sent = await send();
    alice.dispose();
    expect(idOf(await sent.receiptLater!)).toBe('RECEIPT_MISSING:CLOSED');
  });

  test('that its handler rejects comes again', async () => {
    const { alice, bob } = await world();
    bob.onMessage(nothing);
    let calls = 0;
    const failed: string[] = [];
    alice.onMessage(nothing, {
      onReceipt: () => {
        if (++calls === 1) throw new Error('the disk is full');
      },
      onFailed: ({ id }) => void failed.push(id),
    });
    unwrap(await alice.send({ to: bob.did, payload: 1, requestReceipt: true }));
    await until(() => calls === 2);
    expect(failed).toEqual(['INTERNAL']);
  });
});

describe('bad receipts at a relay', () => {
  test('of another signer, another message, or for somebody else end no wait', async () => {
    const { alice, bob, person, refused, receipts, send } = await asking();
    const mallory = await person('mallory');
    const theirs = await alice.createEnvelope({ to: mallory.did, payload: 1 });
    const message = unwrap(await mallory.receive(theirs));
    const sent = await send();
    // what Mallory signs about her own message is a good receipt of that, and of nothing else
    const own = await mallory.createReceipt(message);
    expect((await deliver(mallory, own)).ok).toBe(true);
    await until(() => receipts.length === 1);
    expect(receipts[0]).toMatchObject({ signer: mallory.did, inReplyTo: theirs.nonce });
    // under the nonce of the one that is waited for
    const { forged } = await forgery(mallory, alice.did, sent.envelope);
    expect((await deliver(mallory, forged)).ok).toBe(true);
    await until(() => refused.length === 1);
    expect(refused[0]![0]).toBe('RECEIPT_INVALID:OTHER_SIGNER');
    bob.onMessage(nothing);
    expect(unwrap(await sent.receiptLater!).signer).toBe(bob.did);
  });

  test('are the cause of the timeout where no other follows', async () => {
    const { alice, person, refused, send } = await asking({ receiptTimeoutMs: 2000 });
    const mallory = await person('mallory');
    const sent = await send();
    const { forged } = await forgery(mallory, alice.did, sent.envelope);
    await deliver(mallory, forged);
    await until(() => refused.length === 1);
    const result = await sent.receiptLater!;
    expect(idOf(result)).toBe('RECEIPT_MISSING');
    expect((result as { error: XlinkError }).error.cause).toMatchObject({
      id: 'RECEIPT_INVALID:OTHER_SIGNER',
    });
  });

  test('replayed, of a message that was answered before, are of that message and of no other', async () => {
    const { alice, bob, receipts, send } = await asking();
    bob.onMessage(nothing);
    const first = unwrap(await (await send()).receiptLater!);
    const second = await send();
    const receipt = unwrap(await second.receiptLater!);
    expect(receipt.inReplyTo).not.toBe(first.inReplyTo);
    expect(idOf(await alice.verifyReceipt(first, { of: second.envelope }))).toBe(
      'RECEIPT_INVALID:OTHER_MESSAGE',
    );
    await until(() => receipts.length === 2);
    expect((await deliver(bob, first.envelope)).ok).toBe(true); // the relay knows it, and keeps one
    unwrap(await (await send()).receiptLater!);
    await until(() => receipts.length === 3);
  });
});

test('the file of a relay keeps who asked for a receipt', async () => {
  const path = join(await temporaryFolder(), 'relay.jsonl');
  const { alice, bob } = await world();
  const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
  const before = await FileRelayStore.open({ path });
  await before.add({ envelope, bytes: 1000, copiesForMs: 1000, receipt: true });
  await before.close();
  const after = await FileRelayStore.open({ path });
  afterTest(() => after.close());
  expect(after.list(bob.did, '', 10)).toMatchObject([{ id: '1', receipt: true }]);
});

type Agents = Awaited<ReturnType<typeof world>>;

/** Puts an envelope into the relay as its sender would. */
const deliver = (by: Agents['bob'], envelope: Envelope) =>
  (by as unknown as { transports: Transport[] }).transports[0]!.send(envelope, envelope.to);

/** A receipt by the wrong one under the right nonce. */
async function forgery(by: Agents['bob'], to: string, of: Envelope) {
  const { signOnlyEnvelope } = await import('../../src/envelope/seal.js');
  const { jsonContent } = await import('../../src/envelope/plaintext.js');
  const { identity } = await (by as unknown as { context(): Promise<{ identity: never }> }).context();
  const payload = { messageHash: 'A'.repeat(43), receivedAt: Date.now(), status: 'processed' };
  const draft = { version: 2, kind: 'receipt', to, timestamp: Date.now(), scope: 'xlink:receipt' } as const;
  const nonce = crypto.getRandomValues(new Uint8Array(16));
  const forged = await signOnlyEnvelope(
    identity,
    { ...draft, nonce, inReplyTo: of.nonce } as never,
    jsonContent(payload).bytes,
  );
  return { forged };
}
