import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  Agent,
  type Envelope,
  Identity,
  MemoryTrustRegistry,
  type Transport,
  xlinkError,
} from '@private.me/xlink';
import { seedOf } from '../support/agents.js';
import { idOf, unwrap } from '../support/results.js';
import { until } from '../support/until.js';

/** Two ends of one transport: what is sent from the first arrives at the second. */
export interface Ends {
  readonly sender: Transport;
  readonly receiver: Transport;
  /** Stops what the ends need besides. They are disposed of before. */
  readonly stop?: () => Promise<void>;
}

export interface Conformance {
  /** Fresh ends. */
  readonly ends: () => Promise<Ends>;
  /**
   * What a handler that rejects leads to: the sender is told, or the transport brings the envelope again by itself.
   */
  readonly rejection: 'told' | 'again';
  /** Whether `send` and the handlers are one process's own function calls: then nothing can be unreachable. */
  readonly isLocal?: boolean;
}

const running: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop();
});

/** What a transport that knows the URL of the recipient binds messages to. */
const bindingOf = ({ binding }: Transport) => (binding === undefined ? {} : { request: binding });

/**
 * What every transport must keep to. Agents rely on nothing else, so a transport of your own that passes this works
 * with them.
 */
export function describeTransport(name: string, { ends, rejection, isLocal }: Conformance): void {
  async function pair(receiverOptions = {}) {
    const { sender, receiver, stop } = await ends();
    const registry = new MemoryTrustRegistry();
    const make = async (who: string, transport: Transport, options = {}) =>
      unwrap(await Agent.fromSeed({ seed: seedOf(`conformance ${who}`), registry, transport, ...options }));
    const bob = await make('bob', receiver, receiverOptions);
    const alice = sender === receiver ? await make('alice', sender) : await make('alice', sender);
    running.push(async () => {
      alice.dispose();
      bob.dispose();
      await stop?.();
    });
    return { alice, bob, sender, receiver, registry };
  }

  describe(`${name} keeps to what agents expect of a transport:`, () => {
    test('what is sent arrives, opens, and is what was sent', async () => {
      const { alice, bob } = await pair();
      const got: unknown[] = [];
      bob.onMessage(({ payload, sender, scope }) => void got.push({ payload, sender, scope }));
      const payload = { text: 'Grüße ✓', nested: [1, { a: null }] };
      unwrap(await alice.send({ to: bob.did, payload, scope: 'test:scope' }));
      await until(() => got.length > 0, { what: 'the message' });
      expect(got).toEqual([{ payload, sender: alice.did, scope: 'test:scope' }]);
    });

    test('the envelope arrives as it was handed over, with every member', async () => {
      const { alice, bob, receiver } = await pair();
      const arrived: Envelope[] = [];
      receiver.onReceive((envelope) => void arrived.push(envelope));
      const { envelope } = unwrap(await alice.send({ to: bob.did, payload: 'x', inReplyTo: 'A'.repeat(22) }));
      await until(() => arrived.length > 0, { what: 'the envelope' });
      expect({ ...arrived[0] }).toEqual({ ...envelope });
    });

    test('messages of one sender arrive once each, in the order in which they were sent', async () => {
      const { alice, bob } = await pair();
      const got: unknown[] = [];
      bob.onMessage(({ payload }) => void got.push(payload));
      for (let n = 0; n < 25; n++) unwrap(await alice.send({ to: bob.did, payload: n }));
      await until(() => got.length >= 25, { what: '25 messages' });
      await pause(20);
      expect(got).toEqual(Array.from({ length: 25 }, (_, n) => n));
    });

    test('a slow handler is waited for before the next message of that sender', async () => {
      const { alice, bob } = await pair();
      let inside = 0;
      let most = 0;
      let done = 0;
      bob.onMessage(async () => {
        most = Math.max(most, ++inside);
        await pause(10);
        inside -= 1;
        done += 1;
      });
      for (let n = 0; n < 5; n++) unwrap(await alice.send({ to: bob.did, payload: n }));
      await until(() => done === 5, { what: '5 messages' });
      expect(most).toBe(1);
    });

    test('every handler gets every envelope', async () => {
      const { alice, bob, receiver } = await pair();
      const seen = [0, 0];
      receiver.onReceive(() => void seen[0]!++);
      receiver.onReceive(() => void seen[1]!++);
      unwrap(await alice.send({ to: bob.did, payload: 1 }));
      await until(() => seen.every((count) => count > 0), { what: 'both handlers' });
      expect(seen).toEqual([1, 1]);
    });

    test('a large message arrives', async () => {
      const { alice, bob } = await pair();
      const got: string[] = [];
      bob.onMessage(({ payload }) => void got.push(payload as string));
      const text = 'x'.repeat(600_000);
      unwrap(await alice.send({ to: bob.did, payload: text }));
      await until(() => got.length > 0, { what: 'the message' });
      expect(got[0] === text).toBe(true);
    });

    if (rejection === 'again')
      test('a message whose handler rejects comes again, and is handled once it can be', async () => {
        const { alice, bob } = await pair();
        const tries: unknown[] = [];
        bob.onMessage(({ payload }) => {
          tries.push(payload);
          if (tries.length < 3) throw new Error('not now');
        });
        unwrap(await alice.send({ to: bob.did, payload: 'first' }));
        unwrap(await alice.send({ to: bob.did, payload: 'second' }));
        await until(() => tries.length >= 4, { what: 'two more tries' });
        await pause(50);
        expect(tries).toEqual(['first', 'first', 'first', 'second']);
      });
    else
      test('a handler that rejects fails the send, and the next one is not hurt', async () => {
        const { alice, bob, receiver } = await pair();
        let calls = 0;
        receiver.onReceive(() => {
          calls += 1;
          if (calls === 1) throw xlinkError('SCOPE_NOT_ALLOWED');
        });
        const failed = await alice.send({ to: bob.did, payload: 1 });
        expect(idOf(failed)).toBe('SEND_FAILED');
        expect((failed.error!.cause as { id?: string }).id).toBe('SCOPE_NOT_ALLOWED');
        expect(idOf(await alice.send({ to: bob.did, payload: 2 }))).toBe('ok');
      });

    test('a forged envelope reaches no message handler, and what comes after it does', async () => {
      const { alice, bob, sender } = await pair();
      const got: unknown[] = [];
      bob.onMessage(({ payload }) => void got.push(payload));
      const envelope = await alice.createEnvelope({ to: bob.did, payload: 'good', ...bindingOf(sender) });
      const stranger = await Identity.fromSeed(seedOf('conformance stranger'));
      await sender.send({ ...envelope, from: stranger.did }, bob.did);
      unwrap(await alice.send({ to: bob.did, payload: 'after' }));
      await until(() => got.length > 0, { what: 'the message after' });
      expect(got).toEqual(['after']);
    });

    test('the same envelope twice is one message', async () => {
      const { alice, bob, sender } = await pair();
      const got: unknown[] = [];
      bob.onMessage(({ payload }) => void got.push(payload));
      const envelope = await alice.createEnvelope({ to: bob.did, payload: 'once', ...bindingOf(sender) });
      await sender.send(envelope, bob.did);
      await sender.send(envelope, bob.did);
      unwrap(await alice.send({ to: bob.did, payload: 'end' }));
      await until(() => got.includes('end'), { what: 'the end' });
      expect(got).toEqual(['once', 'end']);
    });

    test('send resolves to a result and never rejects', async () => {
      const { alice, bob, sender, receiver } = await pair();
      const nonsense = { nonsense: true } as unknown as Envelope;
      expect(typeof (await sender.send(nonsense, bob.did)).ok).toBe('boolean');
      receiver.onReceive(() => Promise.reject(new Error('not taken')));
      const result = await sender.send(await alice.createEnvelope({ to: bob.did, payload: 1 }), bob.did);
      expect(result.ok).toBe(rejection === 'again');
    });

    test('after dispose nothing is received', async () => {
      const { alice, bob, receiver } = await pair();
      const got: unknown[] = [];
      receiver.onReceive((envelope) => void got.push(envelope));
      unwrap(await alice.send({ to: bob.did, payload: 1 }));
      await until(() => got.length === 1, { what: 'the first message' });
      bob.dispose();
      bob.dispose(); // twice does no harm
      await alice.send({ to: bob.did, payload: 2 });
      await pause(150);
      expect(got.length).toBe(1);
    });

    if (!isLocal)
      test('after dispose nothing is sent', async () => {
        const { alice, bob } = await pair();
        alice.dispose();
        expect(idOf(await alice.send({ to: bob.did, payload: 1 }))).toBe('SEND_FAILED');
      });
  });
}
