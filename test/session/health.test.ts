import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  DualModeAdapter,
  type DualModeOptions,
  MemorySequenceStore,
  type NonceStore,
  type SequenceStore,
  type SessionOptions,
  type TicketKeyStore,
} from '@private.me/xlink';

const shared: NonceStore = { seen: () => false, claim: () => true };
const sequences: SequenceStore = { claimSequence: () => true };
const tickets: TicketKeyStore = { keep: (_, sealed) => sealed, read: () => undefined };
const down = () => {
  throw new Error('the network is down, and this is secret');
};

const adapterWith = async (
  sessions: boolean | SessionOptions,
  { nonceStore, ...more }: Partial<DualModeOptions> & { nonceStore?: NonceStore } = {},
) =>
  new DualModeAdapter({
    agent: await Agent.quickstart(nonceStore ? { nonceStore } : {}),
    legacyKeyValidator: () => null,
    sessions,
    ...more,
  });

describe('adapter.health of sessions', () => {
  test('asks the stores that instances share, with a number that nobody has', async () => {
    const asked: unknown[] = [];
    const claimSequence: SequenceStore['claimSequence'] = (use, ttlMs) => asked.push([use, ttlMs]) > 0;
    const adapter = await adapterWith({ sequences: { claimSequence }, tickets });
    const first = await adapter.health();
    await adapter.health();
    expect(first).toMatchObject({ ready: true, stores: { sequences: { ok: true }, tickets: { ok: true } } });
    const [[one, ttl], [two]] = asked as [[{ sid: string }, number], [{ sid: string }]];
    expect(one.sid).toMatch(/^[\w-]{22}$/);
    expect(one.sid).not.toBe(two.sid);
    expect(ttl).toBe(1000);
  });

  test('says which of them does not answer, by its code', async () => {
    const adapter = await adapterWith({
      sequences: { claimSequence: down },
      tickets: { ...tickets, read: down },
    });
    const health = await adapter.health();
    expect(health).toMatchObject({
      ready: false,
      stores: { sequences: { ok: false }, tickets: { ok: false } },
    });
    expect(health.why.map((line) => line.split(' (')[0])).toEqual([
      'the store of sequences did not answer',
      'the store of tickets did not answer',
    ]);
    expect(JSON.stringify(health)).not.toContain('secret');
  });

  test.each([
    ['no sessions', false, {}, []],
    ['a process alone', true, {}, []],
    ['a process with nonces in a file', true, { nonceStore: { ...shared, isShared: false } }, []],
    ['a process that says it is alone', true, { nonceStore: shared, instances: 1 }, []],
    ['shared stores', { sequences, tickets }, { nonceStore: shared }, []],
    [
      'sessions in memory beside shared nonces',
      true,
      { nonceStore: shared },
      [/sessions\.sequences and sessions\.tickets/],
    ],
    [
      'numbers in memory beside shared keys',
      { sequences: new MemorySequenceStore(), tickets },
      {},
      [/good once in each/],
    ],
  ] as const)('warns where instances would not agree: %s', async (_, sessions, more, expected) => {
    const { warnings, ready } = await (await adapterWith(sessions, more)).health();
    expect(ready).toBe(true);
    expect(warnings).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });
});

describe('adapter.supportDump of sessions', () => {
  test.each([
    [false, undefined],
    [
      true,
      { sequences: 'memory', tickets: 'memory', lifetimeMs: 600_000, handshakesPerMinute: 60, never: 0 },
    ],
    [
      { sequences, tickets, lifetimeMs: 60_000, handshakesPerMinute: 5, never: ['secret-scope'] },
      { sequences: 'shared', tickets: 'shared', lifetimeMs: 60_000, handshakesPerMinute: 5, never: 1 },
    ],
  ] as const)('%#', async (sessions, expected) => {
    const dump = await (await adapterWith(sessions)).supportDump();
    expect(dump.sessions).toEqual(expected);
    expect(JSON.stringify(dump)).not.toContain('secret-scope');
  });
});
