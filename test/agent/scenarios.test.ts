import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  createSignedEnvelope,
  generateIdentity,
  LoopbackTransport,
  MemoryTrustRegistry,
  type ProgressEvent,
} from '@private.me/xlink';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { seedOf } from '../support/agents.js';
import { errorOf, idOf, unwrap } from '../support/results.js';
import { pair, World } from '../support/world.js';

describe('Alice and Bob', () => {
  test('exchange a message and a reply over a shared registry and transport', async () => {
    const registry = new MemoryTrustRegistry();
    const transport = new LoopbackTransport();
    const alice = await Agent.quickstart({ name: 'Alice', registry, transport });
    const bob = await Agent.quickstart({ name: 'Bob', registry, transport });

    const sent = await alice.send({
      to: bob.did,
      payload: { type: 'greeting', text: 'Hello Bob!' },
      scope: 'chat',
    });
    expect(idOf(sent)).toBe('ok');
    const received = await bob.receive(transport.outbox[0]!);
    expect(received.value).toMatchObject({
      sender: alice.did,
      payload: { type: 'greeting', text: 'Hello Bob!' },
      scope: 'chat',
      version: 2,
      encrypted: true,
      envelopeId: sent.value?.envelopeId,
    });

    await bob.send({
      to: alice.did,
      payload: { type: 'response', text: 'Hi Alice!' },
      scope: 'chat',
      inReplyTo: received.value!.envelopeId,
    });
    const reply = await alice.receive<{ text: string }>(transport.outbox[1]!);
    expect(reply.value?.payload.text).toBe('Hi Alice!');
    expect(reply.value?.inReplyTo).toBe(sent.value?.envelopeId);
  });

  test('an envelope is taken as an object, as JSON text and as the bytes of that text', async () => {
    const { alice, bob } = await pair();
    for (const form of [
      (envelope: object) => envelope,
      (envelope: object) => JSON.stringify(envelope),
      (envelope: object) => encodeUtf8(JSON.stringify(envelope)),
    ]) {
      const envelope = await alice.createEnvelope({ to: bob.did, payload: 'hi' });
      expect((await bob.receive(form(envelope) as string)).value?.payload).toBe('hi');
    }
  });

  test('every JSON value arrives as it was sent', async () => {
    const { alice, bob } = await pair();
    const odd = JSON.parse('{"": "x", "__proto__": 1, "constructor": null}');
    const payloads = [null, true, 0, -1.5, '', 'żółw 🐢', [], {}, [1, [2, { a: null }]], odd];
    for (const payload of payloads) {
      const received = await bob.receive(await alice.send({ to: bob.did, payload }));
      expect(received.value?.payload).toStrictEqual(payload);
    }
  });

  test('the content is the JSON bytes exactly as they were sealed', async () => {
    const { alice, bob } = await pair();
    const received = await bob.receiveContent(await alice.send({ to: bob.did, payload: { b: 1, a: 2 } }));
    expect(Buffer.from(received.value!.content!).toString()).toBe('{"b":1,"a":2}');
    expect(received.value?.message.payload).toEqual({ b: 1, a: 2 });
  });
});

describe('services', () => {
  test('payment notifies billing, billing confirms to payment', async () => {
    const world = new World();
    const paymentService = await world.agent('payment-service');
    const billingService = await world.agent('billing-service');

    await paymentService.send({
      to: billingService.did,
      payload: { transactionId: 'txn_abc123', amount: 99.5, currency: 'USD', customerId: 'cust_xyz789' },
      scope: 'payment:notify',
    });
    const txn = await billingService.receive<{ amount: number }>(world.transport.outbox[0]!);
    expect(txn.value).toMatchObject({ sender: paymentService.did, scope: 'payment:notify' });
    expect(txn.value?.payload.amount).toBe(99.5);

    await billingService.send({
      to: paymentService.did,
      payload: { status: 'recorded', invoiceId: 'inv_2024_001' },
      scope: 'billing:confirm',
    });
    const confirmation = await paymentService.receive(world.transport.outbox[1]!);
    expect(confirmation.value).toMatchObject({
      sender: billingService.did,
      scope: 'billing:confirm',
      payload: { status: 'recorded', invoiceId: 'inv_2024_001' },
    });
  });

  test('receive takes what send returned, in both directions', async () => {
    const { alice: serviceA, bob: serviceB } = await pair();
    const request = await serviceA.send({ to: serviceB.did, payload: { ask: 'balance' } });
    expect((await serviceB.receive(request)).value?.payload).toEqual({ ask: 'balance' });
    const response = await serviceB.send({ to: serviceA.did, payload: { balance: 7 } });
    expect((await serviceA.receive(response)).value?.payload).toEqual({ balance: 7 });
  });

  test('receive hands on the error of a send that failed', async () => {
    const { alice, bob } = await pair({ sendScopes: ['a'] });
    const failed = await alice.send({ to: bob.did, payload: 1, scope: 'b' });
    expect(errorOf(await bob.receive(failed))).toBe(errorOf(failed));
  });

  test('a transport hands what it delivers to the agent behind it', async () => {
    const { world, alice, bob } = await pair();
    const got: unknown[] = [];
    world.transport.onReceive(async (envelope) => {
      got.push((await bob.receive(envelope)).value?.payload);
    });
    await alice.send({ to: bob.did, payload: 'delivered' });
    expect(got).toEqual(['delivered']);
    alice.dispose();
    await alice.send({ to: bob.did, payload: 'nobody listens' });
    expect(got).toEqual(['delivered']);
  });
});

describe('scopes', () => {
  test('an orchestrator assigns a task, and the worker takes nothing else', async () => {
    const world = new World();
    const orchestrator = await world.agent('orchestrator', { sendScopes: ['task:assign', 'task:cancel'] });
    const worker = await world.agent('worker-1', {
      sendScopes: ['task:result'],
      receiveScopes: ['task:assign'],
    });
    const assign = await orchestrator.send({
      to: worker.did,
      payload: { taskId: 't-001', action: 'process-pdf' },
      scope: 'task:assign',
    });
    const task = await worker.receive<{ action: string }>(assign);
    expect(task.value?.payload.action).toBe('process-pdf');

    const cancel = await orchestrator.send({ to: worker.did, payload: {}, scope: 'task:cancel' });
    expect(idOf(cancel)).toBe('RECEIVER_SCOPE_DENIED');
    const result = await worker.send({ to: orchestrator.did, payload: 'done', scope: 'task:result' });
    expect((await orchestrator.receive(result)).value?.payload).toBe('done');
    expect(idOf(await worker.send({ to: orchestrator.did, payload: 1, scope: 'task:assign' }))).toBe(
      'SCOPE_DENIED',
    );
  });

  test('a recipient registered in the long form refuses scopes already at the sender', async () => {
    const world = new World();
    const sender = await world.agent('sender');
    const analytics = unwrap(await generateIdentity());
    await world.registry.register(
      analytics.did,
      analytics.publicKey,
      'Analytics Service',
      ['analytics'],
      undefined,
      undefined,
      undefined,
      false,
      ['payments'],
    );
    const signedOnly = { to: analytics.did, payload: {}, signedOnly: true };
    expect(idOf(await sender.send({ ...signedOnly, scope: 'payments' }))).toBe('ok');
    expect(idOf(await sender.send({ ...signedOnly, scope: 'orders' }))).toBe('RECEIVER_SCOPE_DENIED');
  });

  test('a receiver refuses scopes it does not accept, even if the registry grants them to the sender', async () => {
    const world = new World();
    const control = await world.agent('control');
    const sensor = await world.agent('sensor', { receiveScopes: ['telemetry:read', 'telemetry:configure'] });
    await world.registry.updateScopes(control.did, { scopes: ['firmware:update', 'telemetry:read'] });
    await world.registry.updateScopes(sensor.did, { receiveScopes: ['*'] });

    const command = await control.send({ to: sensor.did, payload: {}, scope: 'firmware:update' });
    expect(idOf(command)).toBe('ok');
    expect(idOf(await sensor.receive(command))).toBe('SCOPE_NOT_ALLOWED');
    const read = await control.send({ to: sensor.did, payload: {}, scope: 'telemetry:read' });
    expect(idOf(await sensor.receive(read))).toBe('ok');
  });

  test('a change of scopes takes effect with the next message', async () => {
    const { world, alice, bob } = await pair();
    const next = async () =>
      idOf(await bob.receive(await alice.send({ to: bob.did, payload: 1, scope: 'reports' })));
    expect(await next()).toBe('ok');
    await world.registry.updateScopes(alice.did, { scopes: ['other'] });
    expect(await next()).toBe('SCOPE_DENIED');
    await world.registry.updateScopes(alice.did, { scopes: ['reports'] });
    expect(await next()).toBe('ok');
    await world.registry.updateScopes(bob.did, { receiveScopes: [] });
    expect(await next()).toBe('RECEIVER_SCOPE_DENIED');
  });
});

describe('revocation', () => {
  test('cuts off one of many callers and leaves the others alone', async () => {
    const world = new World();
    const service = await world.agent('service');
    const callers = await Promise.all(Array.from({ length: 8 }, (_, i) => world.agent(`caller-${i}`)));
    const answers = async () => {
      const ids = callers.map(async (caller) =>
        idOf(await service.receive(await caller.send({ to: service.did, payload: 1 }))),
      );
      return Promise.all(ids);
    };
    expect(await answers()).toEqual(Array(8).fill('ok'));
    await world.registry.revoke(callers[3]!.did);
    const expected = Array(8).fill('ok').with(3, 'VERIFICATION_FAILED:DID_REVOKED');
    expect(await answers()).toEqual(expected);
  });

  test('also stops messages to the revoked agent, and what it made before', async () => {
    const { world, alice, bob } = await pair();
    const made = await alice.send({ to: bob.did, payload: 1 });
    await world.registry.revoke(alice.did);
    expect(idOf(await bob.receive(made))).toBe('VERIFICATION_FAILED:DID_REVOKED');
    expect(idOf(await bob.send({ to: alice.did, payload: 1 }))).toBe('LOOKUP_FAILED:DID_REVOKED');
  });

  test('outlives a restart of the revoked agent', async () => {
    const { world, alice, bob } = await pair();
    await world.registry.revoke(alice.did);
    const restarted = await world.agent('alice');
    expect(idOf(await bob.receive(await restarted.send({ to: bob.did, payload: 1 })))).toBe(
      'VERIFICATION_FAILED:DID_REVOKED',
    );
  });
});

describe('a sensor', () => {
  const reading = encodeUtf8(JSON.stringify({ temp: 22.5 }));

  test('signs readings with its burned-in seed, and a gateway that allows cleartext takes them', async () => {
    const world = new World();
    const gateway = await world.agent('gateway');
    const sensor = await world.agent('sensor-17', { maxVersion: 1 });
    const envelope = await createSignedEnvelope({
      senderDid: sensor.did,
      recipientDid: gateway.did,
      scope: 'telemetry',
      plaintext: reading,
      privateKey: seedOf('sensor-17'),
      clock: world.clock,
    });
    expect(idOf(await gateway.receive(envelope))).toBe('CLEARTEXT_NOT_ALLOWED');
    const received = await gateway.receive(envelope, { allowCleartext: true });
    expect(received.value).toMatchObject({
      sender: sensor.did,
      payload: { temp: 22.5 },
      scope: 'telemetry',
      encrypted: false,
      version: 1,
    });
  });

  test('has the same DID on every start', async () => {
    const [first, second] = [await new World().agent('sensor-17'), await new World().agent('sensor-17')];
    expect(second.did).toBe(first.did);
  });

  test('cannot sign for a DID that is not its own', async () => {
    const { alice, bob } = await pair();
    const forged = createSignedEnvelope({
      senderDid: alice.did,
      recipientDid: bob.did,
      scope: 'telemetry',
      plaintext: reading,
      privateKey: seedOf('somebody else'),
    });
    await expect(forged).rejects.toMatchObject({ id: 'INVALID_DID', field: 'senderDid' });
  });
});

describe('progress', () => {
  test('names every stage of send and receive in order', async () => {
    const { alice, bob } = await pair();
    const stages: string[] = [];
    const onProgress = ({ stage }: ProgressEvent) => void stages.push(stage);
    const sent = await alice.send({ to: bob.did, payload: 1, onProgress });
    expect(stages.splice(0)).toEqual(['resolving', 'encrypting', 'signing', 'sending', 'complete']);
    await bob.receive(sent, { onProgress });
    expect(stages).toEqual([
      'parsing',
      'checking',
      'resolving',
      'verifying',
      'authorizing',
      'claiming',
      'decrypting',
      'complete',
    ]);
  });

  test('is awaited, so that a slow observer sees the stages one at a time', async () => {
    const { alice, bob } = await pair();
    let inside = 0;
    const overlaps: number[] = [];
    const onProgress = async () => {
      overlaps.push(++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    expect(idOf(await alice.send({ to: bob.did, payload: 1, onProgress }))).toBe('ok');
    expect(overlaps).toEqual([1, 1, 1, 1, 1]);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('broken bar');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken bar'))],
  ])('an observer that %s changes nothing', async (_, onProgress) => {
    const { alice, bob } = await pair();
    const sent = await alice.send({ to: bob.did, payload: 'still here', onProgress });
    const received = await bob.receive(sent, { onProgress });
    expect(received.value?.payload).toBe('still here');
  });
});
