import { describe, expect, test } from '@jest/globals';
import { Agent, MemoryTrustRegistry, type Transport } from '@private.me/xlink';
import {
  agentCarrier,
  MemoryPrekeyDirectory,
  type SignalEvent,
  SignalProvider,
} from '../../src/signal/index.js';
import { afterTest, seedOf } from './support.js';

type Handler = Parameters<Transport['onReceive']>[0];

/** Two agents, one of which gets the envelopes when the test says so, on a clock that the test sets. */
async function pair() {
  const registry = new MemoryTrustRegistry();
  const time = { now: Date.now() };
  const kept: Parameters<Handler>[0][] = [];
  const handlers: Handler[] = [];
  const transport: Transport = {
    send: async (envelope) => {
      kept.push(envelope);
      return { ok: true, value: undefined };
    },
    onReceive: (handler) => void handlers.push(handler),
    dispose: () => {},
  };
  const agentOf = async (name: string) => {
    const clock = () => time.now;
    const scopes = ['mesh:signal'];
    const made = await Agent.fromSeed({
      ...{ seed: seedOf(name), registry, transport, clock },
      ...{ sendScopes: scopes, receiveScopes: scopes },
    });
    if (!made.ok) throw made.error;
    afterTest(() => made.value.dispose());
    return made.value;
  };
  return { time, kept, handlers, agents: [await agentOf('early'), await agentOf('late')] as const };
}

describe('messages that waited', () => {
  test('observers are told that they will be lost, and then that one was', async () => {
    const { time, kept, handlers, agents } = await pair();
    const [sender, receiver] = agents;
    const events: SignalEvent[] = [];
    const provider = await SignalProvider.start({
      agent: receiver,
      directory: new MemoryPrekeyDirectory().as(receiver.did),
      carrier: agentCarrier({ agent: receiver }),
      ...{ maintenanceMs: 0, prekeyPoolSize: 10, clock: () => time.now },
      observers: [(event) => void events.push(event)],
    });
    afterTest(() => provider.close());
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'late-messages-lost',
        maxAgeMs: 30_000,
        remedy: expect.stringContaining('maxAgeMs'),
      }),
    );
    const sent = await sender.send({ to: receiver.did, scope: 'mesh:signal', payload: { signal: 'AA' } });
    expect(sent.ok).toBe(true);
    time.now += 31_000;
    for (const handler of handlers) await Promise.resolve(handler(kept[0]!)).catch(() => {});
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'envelope-refused', id: 'TIMESTAMP_EXPIRED' }),
    );
  });
});
