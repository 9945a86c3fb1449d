import { describe, expect, test } from '@jest/globals';
import { Agent } from '@private.me/xlink';
import { Identity } from '../../src/identity/identity.js';
import { acceptCheckpoint } from '../../src/session/checkpoint/accept.js';
import { leafOf } from '../../src/session/checkpoint/leaf.js';
import type { SequenceUse } from '../../src/session/ports.js';
import { Sessions } from '../../src/session/sessions.js';
import { decodeState, encodeState } from '../../src/session/ticket/layout.js';
import { openTicket, ticketKey } from '../../src/session/ticket/ticket.js';
import type { AgentMessage } from '../../src/types/protocol.js';
import { load, outcome, providers, scripted } from '../vectors/load.js';
import { type Hex, hex, toHex } from '../vectors/replay.mjs';

interface CheckpointFile {
  readonly from: string;
  readonly now: number;
  readonly serviceSeed: Hex;
  readonly ticketSecret: Hex;
  readonly limits: { readonly requests: number; readonly seconds: number };
  readonly place: { readonly sid: string; readonly seq: number };
  readonly leaves: readonly {
    readonly name: string;
    readonly digest: Hex;
    readonly plaintext: Hex;
    readonly answer?: Hex;
    readonly leaf: Hex;
  }[];
  readonly content: string;
  readonly transcript: Hex;
  readonly reply: { readonly to: number; readonly head: Hex };
  readonly ticketState: Hex;
  readonly nextState: Hex;
  readonly bad: readonly { readonly name: string; readonly error: string; readonly content: string }[];
  readonly elsewhere: readonly { readonly name: string; readonly error: string }[];
}

const file = load<CheckpointFile>('session/checkpoints.json');

/** The service of the vectors takes a checkpoint; also what it claims, and under which key its tickets are. */
async function take(content: string, change: object = {}) {
  const { crypto, queue } = scripted();
  const identity = await Identity.fromSeed(hex(file.serviceSeed), { crypto });
  const clock = () => file.now;
  const claimed: SequenceUse[] = [];
  const sequences = { claimSequence: (use: SequenceUse) => claimed.push(use) === 1 };
  const rules = { limits: file.limits, leaves: undefined, onCheckpoint: undefined };
  const sessions = new Sessions(new Agent({ identity, clock }), {
    clock,
    lifetimeMs: 600_000,
    never: new Set(),
    sequences,
    tickets: undefined,
    checkpoints: rules,
  });
  queue.push(hex(file.ticketSecret), new Uint8Array(16), new Uint8Array(16));
  const key = await ticketKey(crypto, hex(file.ticketSecret));
  const state = decodeState(hex(file.ticketState))!;
  await sessions.renew(state); // makes the key
  const said = {
    sender: file.from,
    version: 2,
    timestamp: file.now,
    payload: JSON.parse(content),
    ...change,
  };
  const message = said as unknown as AgentMessage;
  const accepted = await acceptCheckpoint(sessions, rules, { message, transcript: hex(file.transcript) });
  return { ...accepted, claimed, state: await openTicket(crypto, key, accepted.reply.ticket) };
}

describe.each(providers)('checkpoints, %s', (_, crypto) => {
  test.each(file.leaves.map((one) => [one.name, one] as const))(
    'the leaf of a request %s',
    async (_name, one) => {
      const hash = (bytes: Hex) => crypto.sha256(hex(bytes));
      const answer = one.answer === undefined ? undefined : await hash(one.answer);
      expect(toHex(await leafOf(crypto, hex(one.digest), await hash(one.plaintext), answer))).toBe(one.leaf);
    },
  );
});

test('what a ticket says of them', () => {
  expect(toHex(encodeState(decodeState(hex(file.nextState))!))).toBe(file.nextState);
});

test('a checkpoint, its place, and the ticket that follows', async () => {
  const { reply, claimed, state } = await take(file.content);
  expect([reply.to, toHex(reply.head)]).toEqual([file.reply.to, file.reply.head]);
  expect(claimed).toEqual([{ sender: file.from, timestamp: file.now, ...file.place }]);
  expect(toHex(encodeState(state))).toBe(file.nextState);
});

test.each(file.bad.map((one) => [one.name, one] as const))('no checkpoint: %s', async (_name, bad) => {
  expect(await outcome(() => take(bad.content))).toBe(bad.error);
});

test.each(file.elsewhere.map((one) => [one.name, one] as const))(
  'no checkpoint: %s',
  async (_name, { name: _n, error, ...change }) => {
    expect(await outcome(() => take(file.content, change))).toBe(error);
  },
);
