import { describe, expect, test } from '@jest/globals';
import { type Agent, LoopbackTransport, type Receipt } from '@private.me/xlink';
import { idOf, unwrap } from '../support/results.js';
import { pair, World } from '../support/world.js';

const PAYLOAD = { action: 'createCharge', amount: 10000 };

async function sentTo(alice: Agent, bob: Agent, payload: unknown = PAYLOAD) {
  return unwrap(await alice.send({ to: bob.did, payload, scope: 'payments', requestReceipt: true }));
}

async function received() {
  const made = await pair();
  made.bob.onMessage(() => {});
  const sent = await sentTo(made.alice, made.bob);
  return { ...made, sent, receipt: sent.receipt! };
}

describe('a receipt', () => {
  test('comes with the message that it is of, and says what became of it', async () => {
    const { world, alice, bob, sent, receipt } = await received();
    expect(receipt).toMatchObject({
      signer: bob.did,
      recipient: alice.did,
      inReplyTo: sent.envelopeId,
      timestamp: world.clock(),
      status: 'processed',
    });
    expect(receipt.messageHash).toMatch(/^[\w-]{43}$/);
    expect(receipt.envelope).toMatchObject({ kind: 'receipt', scope: 'xlink:receipt', suite: 'Ed25519' });
    expect(idOf(await alice.verifyReceipt(receipt))).toBe('ok');
    expect(idOf(await alice.verifyReceipt(receipt, { of: sent.envelope }))).toBe('ok');
  });

  test('is verified offline, from JSON, by whoever has it, and for good', async () => {
    const { world, sent, receipt, bob } = await received();
    const stored = JSON.parse(JSON.stringify(receipt)) as Receipt;
    world.clock.advance(10 * 365 * 86_400_000);
    world.registry.revoke(bob.did);
    const auditor = await new World().agent('auditor');
    expect(unwrap(await auditor.verifyReceipt(stored, { of: sent.envelope }))).toEqual(receipt);
  });

  test('of version 3 is signed by ML-DSA-65, too', async () => {
    const pq = { postQuantumSig: true };
    const { alice, bob } = await pair(pq, pq);
    bob.onMessage(() => {});
    const { receipt, envelope } = await sentTo(alice, bob);
    expect(receipt!.envelope.suite).toBe('Ed25519+MLDSA65');
    expect(idOf(await alice.verifyReceipt(receipt!, { of: envelope }))).toBe('ok');
    const stranger = await new World().agent('auditor', pq);
    expect(idOf(await stranger.verifyReceipt(receipt!))).toBe('VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
  });

  test('is not made where nobody asks, nor for a message that was not handled', async () => {
    const { alice, bob } = await pair();
    let fails = false;
    bob.onMessage(() => {
      if (fails) throw new Error('no');
    });
    const plain = unwrap(await alice.send({ to: bob.did, payload: 1 }));
    expect(plain).not.toHaveProperty('receipt');
    fails = true;
    expect(idOf(await alice.send({ to: bob.did, payload: 1, requestReceipt: true }))).not.toBe('ok');
    const nobody = unwrap(await alice.send({ to: alice.did, payload: 1, requestReceipt: true }));
    expect(nobody.receipt).toBeUndefined();
  });

  test('is made for transports of an application, of what was received and nothing else', async () => {
    const { alice, bob } = await pair();
    const sent = unwrap(await alice.send({ to: bob.did, payload: PAYLOAD }));
    const message = unwrap(await bob.receive(sent.envelope));
    const envelope = await bob.createReceipt(message);
    expect(envelope).toMatchObject({
      kind: 'receipt',
      from: bob.did,
      to: alice.did,
      inReplyTo: sent.envelopeId,
    });
    await expect(bob.createReceipt({ ...message })).rejects.toMatchObject({ id: 'RECEIPT_INVALID' });
    await expect(bob.createReceipt(message, 'done' as never)).rejects.toMatchObject({ id: 'INVALID_OPTION' });
    expect(idOf(await alice.receive(envelope))).toBe('KIND_NOT_ACCEPTED');
  });
});

describe('a receipt is refused', () => {
  test.each(['signer', 'recipient', 'messageHash', 'inReplyTo', 'timestamp', 'status'] as const)(
    'whose %s is not what was signed',
    async (name) => {
      const { alice, receipt } = await received();
      const altered = { ...receipt, [name]: name === 'timestamp' ? 1 : 'failed' } as Receipt;
      expect(idOf(await alice.verifyReceipt(altered))).toBe('RECEIPT_INVALID:ALTERED');
    },
  );

  test('that is of another message', async () => {
    const { alice, bob, receipt } = await received();
    const { envelope } = await sentTo(alice, bob);
    expect(idOf(await alice.verifyReceipt(receipt, { of: envelope }))).toBe('RECEIPT_INVALID:OTHER_MESSAGE');
  });

  test('that names the nonce of a message with other content', async () => {
    const { alice, sent, receipt } = await received();
    const of = { ...sent.envelope, scope: 'other' };
    expect(idOf(await alice.verifyReceipt(receipt, { of }))).toBe('RECEIPT_INVALID:OTHER_MESSAGE');
  });

  test('whose signature or payload was changed, or that is of another kind', async () => {
    const { alice, sent, receipt } = await received();
    const { envelope } = receipt;
    const flipped = (text: string) => (text[5] === 'A' ? 'B' : 'A') + text.slice(1);
    for (const name of ['signature', 'payload'] as const) {
      const bad = { ...receipt, envelope: { ...envelope, [name]: flipped(envelope[name]!) } };
      expect(['VERIFICATION_FAILED:SIGNATURE_MISMATCH', 'RECEIPT_INVALID']).toContain(
        idOf(await alice.verifyReceipt(bad)),
      );
    }
    expect(idOf(await alice.verifyReceipt({ ...receipt, envelope: sent.envelope }))).toBe('RECEIPT_INVALID');
    for (const nothing of [undefined, {}, { envelope: 7 }])
      expect(idOf(await alice.verifyReceipt(nothing as never))).toMatch(/^(PARSE_FAILED|RECEIPT_INVALID)/);
  });

  test('that a man in the middle replays, or another one signs: the message counts as delivered', async () => {
    const { world, alice, bob, receipt } = await received();
    const mallory = await world.agent('mallory');
    const copy = unwrap(await alice.send({ to: mallory.did, payload: 1 }));
    const foreign = await mallory.createReceipt(unwrap(await mallory.receive(copy.envelope)));
    for (const [brought, id] of [
      [receipt.envelope, 'RECEIPT_INVALID:OTHER_MESSAGE'],
      [foreign, 'RECEIPT_INVALID:OTHER_SIGNER'],
    ] as const) {
      const transport = new LoopbackTransport();
      const send = transport.send.bind(transport);
      transport.send = async (envelope, to, again, onReceipt) => {
        onReceipt?.(brought);
        return send(envelope, to, again);
      };
      const caller = await world.agent('alice', { transport, registry: world.registry });
      const sent = await sentTo(caller, bob);
      expect([sent.receipt, sent.receiptError?.id]).toEqual([undefined, id]);
    }
  });
});

test('as it is written in the papers', async () => {
  const { alice: agent, bob } = await pair();
  bob.onMessage(() => {});
  const recipientDid = bob.did;
  const result = await agent.send({
    to: recipientDid,
    payload: { action: 'createCharge', amount: 10000 },
    scope: 'payments',
    requestReceipt: true,
  });
  if (!result.ok || !result.value.receipt) throw new Error('no receipt');
  const receipt = result.value.receipt;
  expect(new Date(receipt.timestamp).getTime()).toBeGreaterThan(0);
  const valid = await agent.verifyReceipt(receipt);
  expect([receipt.signer, receipt.status, valid.ok]).toEqual([recipientDid, 'processed', true]);
});
