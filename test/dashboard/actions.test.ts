import { describe, expect, test } from '@jest/globals';
import { type DualModeAdapter, MemoryClientStore, MigrationPlan, type XlinkEvent } from '@private.me/xlink';
import { Actions } from '../../src/dashboard/actions/actions.js';
import { Snapshots } from '../../src/dashboard/snapshots.js';
import { frozenClock, HOUR, NOON } from '../support/clock.js';
import { adapterOf, clientRecord } from './support.js';

const GATE = { minXlinkPercentage: 0, minDwellMs: 0, maxErrorRate: 1, requireSafeClients: false };

async function setUp() {
  const clock = frozenClock();
  const events: XlinkEvent[] = [];
  const clients = new MemoryClientStore([
    clientRecord('acme', { lastKeyUse: NOON }),
    clientRecord('globex', { dids: ['d'], lastXlinkUse: NOON }),
  ]);
  const adapter = await adapterOf({ clients, clock, observers: [(event) => events.push(event)] });
  const plan = new MigrationPlan({
    adapter,
    clock,
    gates: [
      { from: 'hybrid', to: 'deprecation', ...GATE },
      { from: 'deprecation', to: 'xlink-only', ...GATE },
    ],
  });
  await plan.evaluate();
  const snapshots = new Snapshots(adapter, { clock, plan });
  const actions = new Actions({ adapter, plan, clock, directory: () => snapshots.directory() });
  const act = async (body: unknown, by = 'ada') => {
    const answer = await actions.answer(by, body);
    return { status: answer.status, ...(answer.body as Record<string, unknown>) } as Answer;
  };
  return { clock, events, adapter, plan, act };
}

interface Answer {
  readonly status: number;
  readonly confirm?: string;
  readonly warnings?: readonly string[];
  readonly token?: string;
  readonly done?: string;
  readonly error?: string;
}

const STEP = { action: 'step', seen: 'hybrid', to: 'deprecation', reason: 'all is well' };
const AHEAD = {
  action: 'client-mode',
  client: 'acme',
  seen: 'hybrid',
  to: 'xlink-only',
  reason: 'they asked',
};
const BROWNOUT = {
  action: 'brownout',
  seen: 'hybrid',
  from: NOON + HOUR,
  until: NOON + 2 * HOUR,
  reason: 'a reminder',
};

const modeEvents = (events: readonly XlinkEvent[]) =>
  events.filter((event) => event.type === 'mode').slice(1);
const unchanged = ({ mode, brownouts }: DualModeAdapter) => mode === 'hybrid' && brownouts.length === 0;

describe('an action is asked back about and then done', () => {
  test('the step of the plan', async () => {
    const { act, adapter, events, plan } = await setUp();
    const asked = await act(STEP);
    expect(asked).toMatchObject({
      status: 200,
      confirm: 'Change the mode of the API from hybrid to deprecation.',
    });
    expect(unchanged(adapter)).toBe(true);
    expect(await act({ ...STEP, token: asked.token })).toMatchObject({
      status: 200,
      done: 'The mode is deprecation now.',
    });
    expect(adapter.mode).toBe('deprecation');
    expect(modeEvents(events)).toMatchObject([{ to: 'deprecation', reason: 'all is well', by: 'ada' }]);
    expect(plan.latest).toMatchObject({ mode: 'deprecation', next: 'xlink-only' });
    const last = await act({ ...STEP, seen: 'deprecation', to: 'xlink-only' });
    expect(last.warnings).toEqual(['1 client is not ready: acme. Their keys are refused from then on.']);
  });

  test('the mode of a client, and back', async () => {
    const { act, adapter, events } = await setUp();
    const asked = await act(AHEAD);
    expect(asked.warnings).toEqual(['acme has not enrolled an identity. Its key is refused from then on.']);
    expect(await act({ ...AHEAD, token: asked.token })).toMatchObject({ status: 200 });
    expect([adapter.modeOf({ client: 'acme' }), adapter.mode]).toEqual(['xlink-only', 'hybrid']);
    expect(modeEvents(events).at(-1)).toMatchObject({
      client: 'acme',
      from: 'hybrid',
      to: 'xlink-only',
      reason: 'they asked',
      by: 'ada',
    });
    const back = { ...AHEAD, seen: 'xlink-only', to: 'follow' };
    await act({ ...back, token: (await act(back)).token });
    expect(adapter.modeOf({ client: 'acme' })).toBe('hybrid');
  });

  test('a brownout', async () => {
    const { act, adapter, events } = await setUp();
    const asked = await act(BROWNOUT);
    expect(asked.confirm).toContain('from 2025-01-01 13:00 UTC until 2025-01-01 14:00 UTC');
    expect(asked.warnings?.[0]).toContain('The mode is hybrid.');
    expect(await act({ ...BROWNOUT, token: asked.token })).toMatchObject({ status: 200 });
    expect(adapter.brownouts).toEqual([{ from: new Date(NOON + HOUR), until: new Date(NOON + 2 * HOUR) }]);
    expect(events.at(-1)).toEqual({
      type: 'operation',
      operation: 'schedule-brownout',
      target: '2025-01-01T13:00:00.000Z/2025-01-01T14:00:00.000Z',
      by: 'ada',
      why: 'a reminder',
    });
  });
});

describe('beside a shared mode, which does not share it', () => {
  const REACH = /^This counts on this instance only, and until it ends: .* option (clientModes|brownouts) of/;

  test.each([
    [
      'the mode of a client',
      AHEAD,
      'The mode of the client is xlink-only now, on this instance until it ends.',
    ],
    ['a brownout', BROWNOUT, 'The brownout is scheduled, on this instance until it ends.'],
  ])('%s is done where it is asked for, which the operator is told first', async (_, wanted, done) => {
    const { act, adapter } = await setUp();
    adapter.shareMode({ probe: () => {}, latest: () => undefined });
    const asked = await act(wanted);
    expect(asked.warnings?.at(-1)).toMatch(REACH);
    expect(await act({ ...wanted, token: asked.token })).toMatchObject({ status: 200, done });
    expect(unchanged(adapter) && adapter.modeOf({ client: 'acme' }) === 'hybrid').toBe(false);
  });

  test('a client follows again', async () => {
    const { act, adapter } = await setUp();
    adapter.shareMode({ probe: () => {}, latest: () => undefined });
    adapter.setMode('xlink-only', 'x', { client: 'acme', instanceOnly: true });
    const back = { ...AHEAD, seen: 'xlink-only', to: 'follow' };
    expect(await act({ ...back, token: (await act(back)).token })).toMatchObject({ status: 200 });
    expect(adapter.modeOf({ client: 'acme' })).toBe('hybrid');
  });

  test('the step of the plan is for all', async () => {
    const { act, adapter } = await setUp();
    adapter.shareMode({ probe: () => {}, latest: () => undefined });
    expect((await act(STEP)).warnings).toEqual([]);
  });

  test('nothing is done if it is shared only after the question', async () => {
    const { act, adapter } = await setUp();
    const { token } = await act(AHEAD);
    adapter.shareMode({ probe: () => {}, latest: () => undefined });
    expect(await act({ ...AHEAD, token })).toMatchObject({ status: 409 });
    expect(adapter.modeOf({ client: 'acme' })).toBe('hybrid');
  });
});

describe('nothing is changed', () => {
  test('twice by one confirmation, not even at once', async () => {
    const { act, adapter } = await setUp();
    const { token } = await act(BROWNOUT);
    const answers = await Promise.all([1, 2, 3].map(() => act({ ...BROWNOUT, token })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(adapter.brownouts).toHaveLength(1);
  });

  test('by two confirmations of the same step', async () => {
    const { act, adapter } = await setUp();
    const tokens = [(await act(STEP)).token, (await act(STEP, 'bea')).token];
    const answers = await Promise.all([
      act({ ...STEP, token: tokens[0] }),
      act({ ...STEP, token: tokens[1] }, 'bea'),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(adapter.mode).toBe('deprecation');
  });

  test('by a token of something else, of somebody else, of before, or of nobody', async () => {
    const { act, adapter, clock } = await setUp();
    const fresh = async () => (await act(STEP)).token;
    const tries = [
      async () => act({ ...STEP, reason: 'another', token: await fresh() }),
      async () => act({ ...BROWNOUT, token: await fresh() }),
      async () => act({ ...STEP, token: await fresh() }, 'eve'),
      async () => act({ ...STEP, token: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }),
      async () => act({ ...STEP, token: '__proto__' }),
      async () => act({ ...STEP, token: '' }),
      async () => {
        const token = await fresh();
        clock.advance(120_001);
        return act({ ...STEP, token });
      },
    ];
    for (const attempt of tries) {
      expect(await attempt()).toMatchObject({
        status: 409,
        error: expect.stringContaining('Nothing was changed'),
      });
      expect(unchanged(adapter)).toBe(true);
    }
  });

  test('when the mode is another than the operator saw, then or meanwhile', async () => {
    const { act, adapter, plan } = await setUp();
    const asked = [STEP, AHEAD, BROWNOUT];
    const tokens: unknown[] = [];
    for (const body of asked) tokens.push((await act(body)).token);
    adapter.setMode('observe', 'by hand');
    await plan.evaluate();
    for (const [at, body] of asked.entries()) {
      for (const sent of [body, { ...body, token: tokens[at] }])
        expect(await act(sent)).toMatchObject({
          status: 409,
          error: expect.stringMatching(/the mode is observe now/),
        });
    }
    expect([adapter.mode, adapter.brownouts.length]).toEqual(['observe', 0]);
  });

  test('that the plan does not allow, and without a plan', async () => {
    const { act, adapter, clock } = await setUp();
    expect(await act({ ...STEP, to: 'xlink-only' })).toMatchObject({ status: 409 });
    const none = new Actions({
      adapter,
      plan: undefined,
      clock,
      directory: async () => ({ kept: false, why: 'not-configured' }),
    });
    expect((await none.answer('ada', STEP)).status).toBe(409);
    expect((await none.answer('ada', AHEAD)).status).toBe(409);
  });

  const WRONG: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['null', null],
    ['a list', [STEP]],
    ['a text', 'step'],
    ['no action', { ...STEP, action: undefined }],
    ['another action', { ...STEP, action: '__proto__' }],
    ['a mode that is none', { ...STEP, to: 'off' }],
    ['no mode that was seen', { ...STEP, seen: undefined }],
    ['more than that', { ...STEP, client: 'acme' }],
    ['no reason', { ...STEP, reason: ' ' }],
    ['a reason of two lines', { ...STEP, reason: 'a\nb' }],
    ['a reason that turns the line around', { ...STEP, reason: 'a\u202Eb' }],
    ['a reason without end', { ...STEP, reason: 'x'.repeat(501) }],
    ['a reason that is none', { ...STEP, reason: { toString: () => 'x' } }],
    ['a client that is none', { ...AHEAD, client: 7 }],
    ['a client without end', { ...AHEAD, client: 'x'.repeat(301) }],
    ['a token that is none', { ...STEP, token: 7 }],
    ['a brownout of yesterday', { ...BROWNOUT, from: NOON - 2 * HOUR }],
    ['one that ends before it begins', { ...BROWNOUT, until: NOON }],
    ['one of two days', { ...BROWNOUT, until: NOON + 50 * HOUR }],
    ['one in ten years', { ...BROWNOUT, from: NOON + 1e12, until: NOON + 1e12 + HOUR }],
    ['one at no time', { ...BROWNOUT, from: Number.NaN }],
    ['one at a text', { ...BROWNOUT, from: '2025-01-01' }],
  ];
  test.each(WRONG)('by %s', async (_, body) => {
    const { act, adapter } = await setUp();
    expect(await act(body)).toMatchObject({ status: 400, error: expect.stringMatching(/\.$/) });
    expect(unchanged(adapter)).toBe(true);
  });

  test('of a client that nobody knows', async () => {
    const { act } = await setUp();
    expect(await act({ ...AHEAD, client: 'nobody' })).toMatchObject({ status: 409 });
  });

  test('however many questions are left open', async () => {
    const { act } = await setUp();
    const first = await act(STEP);
    for (let i = 0; i < 150; i++) await act(STEP);
    expect(await act({ ...STEP, token: first.token })).toMatchObject({ status: 409 });
  });
});
