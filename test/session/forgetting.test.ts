import { afterEach, expect, jest, test } from '@jest/globals';
import { Agent, type AgentMessage } from '@private.me/xlink';
import { Identity } from '../../src/identity/identity.js';
import { makeOffer } from '../../src/session/handshake/offer.js';
import { offerPayload } from '../../src/session/handshake/payloads.js';
import { MemorySequenceStore } from '../../src/session/sequence/memory.js';
import { Sessions } from '../../src/session/sessions.js';
import { TicketRing } from '../../src/session/ticket/ring.js';
import { seedOf } from '../support/agents.js';
import { NOON } from '../support/clock.js';
import { crypto } from './support.js';

const MINUTE = 60_000;
const lifetimeMs = 10 * MINUTE;

afterEach(() => {
  jest.useRealTimers();
});

test('keys of tickets are forgotten once no ticket under them is good', async () => {
  let now = NOON;
  const identity = await Identity.fromSeed(seedOf('ring'));
  const ring = new TicketRing({ identity, clock: () => now, lifetimeMs, store: undefined });
  await ring.current();
  now += lifetimeMs;
  expect(ring.forgetOver()).toBe(true);
  now += 11 * MINUTE;
  expect(ring.forgetOver()).toBe(false);
});

test('and so by themselves, where nobody asks any more', async () => {
  const agent = await Agent.quickstart({ name: 'api' });
  jest.useFakeTimers({ now: NOON, doNotFake: ['setImmediate', 'nextTick', 'performance'] });
  const forget = jest.spyOn(TicketRing.prototype, 'forgetOver');
  const sequences = new MemorySequenceStore();
  const rules = { lifetimeMs, never: new Set<string>(), sequences, tickets: undefined, clock: Date.now };
  const sessions = new Sessions(agent as never, rules);
  const { offer } = await makeOffer(crypto);
  const message = { sender: agent.did, payload: offerPayload(offer), version: 2 } as unknown as AgentMessage;
  await sessions.grant(message, new Uint8Array(32));
  jest.advanceTimersByTime(30 * MINUTE);
  const said = forget.mock.results.map(({ value }) => value);
  expect(said.length).toBeGreaterThan(10);
  expect([said[0], said.at(-1)]).toEqual([true, false]);
  expect(jest.getTimerCount()).toBe(0);
});
