import { describe, expect, test } from '@jest/globals';
import { DEFAULT_GATES } from '@private.me/xlink';
import { DAY, HOUR, MINUTE, NOON } from '../../support/clock.js';
import { optionRefusedBy } from '../../support/results.js';

import { gate } from './gate.js';
import { made } from './plan-support.js';

describe('the gates of the papers', () => {
  test('are data', () => {
    expect(JSON.parse(JSON.stringify(DEFAULT_GATES))).toEqual([
      gate('observe', 'hybrid', { minDwellMs: DAY, maxErrorRate: 0.05 }),
      gate('hybrid', 'deprecation', { minXlinkPercentage: 95, minDwellMs: 28 * DAY, maxErrorRate: 0.01 }),
      gate('deprecation', 'xlink-only', {
        minXlinkPercentage: 95,
        minDwellMs: 28 * DAY,
        maxErrorRate: 0.01,
        requireSafeClients: true,
        ignoreQuietMs: 90 * DAY,
      }),
    ]);
  });

  test('take an API through a whole migration', async () => {
    const { plan, clock, traffic, adapter, steps } = await made('observe', { auto: true });
    const week = async (share: { key?: number; xlink?: number }) => {
      for (let day = 0; day < 7; day++) {
        traffic('acme', share);
        await plan.evaluate();
        clock.advance(DAY);
      }
    };
    await week({ key: 100 });
    expect(adapter.mode).toBe('hybrid');
    for (let i = 0; i < 3; i++) await week({ key: 50, xlink: 50 });
    for (let i = 0; i < 3; i++) await week({ key: 4, xlink: 96 });
    expect(adapter.mode).toBe('deprecation');
    for (let i = 0; i < 6; i++) await week({ xlink: 100 });
    expect(adapter.mode).toBe('xlink-only');
    expect(steps()).toEqual([
      'observe > hybrid: the gate from observe to hybrid is open',
      'hybrid > deprecation: the gate from hybrid to deprecation is open',
      'deprecation > xlink-only: the gate from deprecation to xlink-only is open',
    ]);
  });
});

describe('advice', () => {
  test('is kept, and told to the observers of the adapter without the names of clients', async () => {
    const { plan, traffic, events } = await made('hybrid', {
      gates: [gate('hybrid', 'deprecation', { requireSafeClients: true })],
    });
    expect(plan.latest).toBeUndefined();
    traffic('acme', { key: 3 });
    traffic('bolt', { xlink: 2 });
    const advice = await plan.evaluate();
    expect(plan.latest).toBe(advice);
    expect(events.filter(({ type }) => type === 'advice')).toEqual([
      {
        type: 'advice',
        mode: 'hybrid',
        next: 'deprecation',
        direction: 'forward',
        ready: false,
        blockers: 1,
        clients: {
          'not-enrolled': 1,
          'never-used-xlink': 0,
          failing: 0,
          'not-recent': 0,
          revoked: 0,
          'key-in-use': 0,
          'key-switched-off': 0,
          moved: 1,
        },
      },
    ]);
  });

  test('has no next step at the end of the way', async () => {
    const { plan, events } = await made('xlink-only');
    await plan.evaluate();
    expect(events.at(-1)).toMatchObject({ type: 'advice', direction: 'stay', ready: false, blockers: 0 });
    expect(events.at(-1)).not.toHaveProperty('next');
  });

  test('says what comes next and what is in the way, and does nothing', async () => {
    const { plan, clock, traffic, adapter, steps } = await made('deprecation');
    await plan.evaluate();
    clock.advance(7 * DAY + 12 * HOUR);
    traffic('acme', { key: 10, xlink: 10, failures: { SCOPE_DENIED: 5 } });
    traffic('bolt', { key: 5 });
    const advice = await plan.evaluate();
    expect(advice).toEqual({
      mode: 'deprecation',
      next: 'xlink-only',
      direction: 'forward',
      ready: false,
      reason: undefined,
      blockers: [
        'deprecation has been in force for 7.5 days; this step needs 28 days',
        '40.0% of accepted requests use xLink; this step needs 95%',
        '16.7% of requests were refused; this step allows 1.0%',
        'client acme still used its key recently',
        'client bolt has not enrolled an identity',
      ],
      traffic: { key: 15, xlink: 10, refused: 5 },
      changed: false,
    });
    expect([adapter.mode, steps()]).toEqual(['deprecation', []]);
  });

  test('an open gate is advice, too, unless the plan may act', async () => {
    const { plan, adapter, steps } = await made('observe', { gates: [gate('observe', 'hybrid')] });
    for (let i = 0; i < 2; i++)
      expect(await plan.evaluate()).toMatchObject({
        next: 'hybrid',
        direction: 'forward',
        ready: true,
        reason: 'the gate from observe to hybrid is open',
        blockers: [],
        changed: false,
      });
    expect([adapter.mode, steps()]).toEqual(['observe', []]);
  });

  test('at the end there is nowhere to go', async () => {
    const { plan } = await made('xlink-only', { auto: true });
    expect(await plan.evaluate()).toMatchObject({
      next: undefined,
      direction: 'stay',
      ready: false,
      reason: undefined,
      blockers: [],
      changed: false,
    });
  });

  test('without traffic nothing is concluded, except where no share is asked for', async () => {
    const { plan, clock, adapter } = await made('hybrid', {
      gates: [gate('hybrid', 'deprecation', { minXlinkPercentage: 1 }), gate('observe', 'hybrid')],
    });
    clock.advance(DAY);
    const advice = await plan.evaluate();
    expect([advice.ready, advice.blockers]).toEqual([false, ['there was no traffic to judge by']]);
    adapter.setMode('observe');
    expect((await plan.evaluate()).ready).toBe(true);
  });

  test('what happened before the plan began does not count', async () => {
    const { plan, traffic } = await made('hybrid', {
      gates: [gate('hybrid', 'deprecation', { minXlinkPercentage: 50 })],
    });
    traffic('acme', { key: 1000 });
    expect((await plan.evaluate()).traffic).toEqual({ key: 0, xlink: 0, refused: 0 });
    traffic('acme', { xlink: 1 });
    expect(await plan.evaluate()).toMatchObject({ ready: true, traffic: { key: 0, xlink: 1, refused: 0 } });
  });

  test('each gate is exact: what is wanted is enough', async () => {
    const exact = gate('hybrid', 'deprecation', {
      minXlinkPercentage: 95,
      minDwellMs: DAY,
      maxErrorRate: 0.2,
    });
    const { plan, traffic, clock } = await made('hybrid', { gates: [exact], windowMs: 2 * DAY });
    await plan.evaluate();
    clock.advance(DAY - 1);
    traffic('acme', { key: 5, xlink: 95, failures: { SCOPE_DENIED: 25 } });
    expect((await plan.evaluate()).blockers).toEqual([
      'hybrid has been in force for 1 day; this step needs 1 day',
    ]);
    clock.advance(1);
    expect((await plan.evaluate()).ready).toBe(true);
    traffic('acme', { key: 1, failures: { SCOPE_DENIED: 1 } });
    expect((await plan.evaluate()).blockers).toEqual([
      '94.1% of accepted requests use xLink; this step needs 95%',
      '20.5% of requests were refused; this step allows 20.0%',
    ]);
  });

  test('shares are those of the window', async () => {
    const { plan, traffic, clock } = await made('hybrid', { windowMs: HOUR });
    await plan.evaluate();
    const shares: unknown[] = [];
    for (let i = 0; i < 6; i++) {
      clock.advance(20 * MINUTE);
      traffic('acme', i < 3 ? { key: 10 } : { xlink: 10 });
      const { traffic: seen } = await plan.evaluate();
      shares.push([seen.key, seen.xlink]);
    }
    expect(shares).toEqual([
      [10, 0],
      [20, 0],
      [30, 0],
      [20, 10],
      [10, 20],
      [0, 30],
    ]);
  });

  test('since: a plan that goes on after a restart knows how long the mode has been in force', async () => {
    const { plan, traffic } = await made('hybrid', { since: NOON - 28 * DAY });
    await plan.evaluate();
    traffic('acme', { xlink: 100 });
    expect((await plan.evaluate()).ready).toBe(true);
  });

  test('clients that are ignored block nothing and count nowhere', async () => {
    const { plan, traffic } = await made('deprecation', {
      gates: [
        gate('deprecation', 'xlink-only', {
          minXlinkPercentage: 95,
          maxErrorRate: 0,
          requireSafeClients: true,
        }),
      ],
      ignoreClients: ['abandoned', 'nobody'],
    });
    traffic('acme', { xlink: 1 });
    await plan.evaluate();
    traffic('acme', { xlink: 10 });
    traffic('abandoned', { key: 1000, failures: { SCOPE_DENIED: 10 } });
    expect(await plan.evaluate()).toMatchObject({ ready: true, traffic: { key: 0, xlink: 10, refused: 0 } });
  });

  test('a client that was not heard of for long enough blocks nothing; one day less, and it does', async () => {
    const gates = [gate('deprecation', 'xlink-only', { requireSafeClients: true, ignoreQuietMs: 90 * DAY })];
    const { plan, traffic, clock } = await made('deprecation', { gates });
    traffic('gone', { key: 1 });
    clock.advance(89 * DAY);
    expect((await plan.evaluate()).blockers).toEqual(['client gone has not enrolled an identity']);
    clock.advance(2 * DAY);
    expect(await plan.evaluate()).toMatchObject({ ready: true, blockers: [] });
  });

  test('the report option says when a client is safe', async () => {
    const gates = [gate('deprecation', 'xlink-only', { requireSafeClients: true })];
    const { plan, traffic, clock } = await made('deprecation', { gates, report: { quietMs: HOUR } });
    traffic('acme', { key: 1, xlink: 1 });
    expect((await plan.evaluate()).blockers).toEqual(['client acme still used its key recently']);
    clock.advance(HOUR);
    expect((await plan.evaluate()).ready).toBe(true);
  });

  test.each([
    [{ dids: ['did:key:a'] }, 'is enrolled but has never used xLink'],
    [{ lastXlinkUse: NOON - 9 * DAY }, 'has not used xLink recently'],
    [{ lastXlinkUse: NOON - 2, lastFailure: NOON - 1 }, 'failed at its last xLink request'],
  ])('a client in the way is named: %j', async (record, reason) => {
    const { plan, world } = await made('deprecation', {
      gates: [gate('deprecation', 'xlink-only', { requireSafeClients: true })],
    });
    for (const did of (record as { dids?: string[] }).dids ?? []) world.clients.link(did, 'acme');
    world.clients.add([{ client: 'acme', keyRequests: 0, xlinkRequests: 0, failures: {}, ...record }]);
    expect((await plan.evaluate()).blockers).toEqual([`client acme ${reason}`]);
  });
});

describe('options', () => {
  const ok = gate('observe', 'hybrid');
  test.each([
    ['gates', {}],
    ['gates', [null]],
    ['gates', [{}]],
    ['gates', [{ ...ok, from: 'off' }]],
    ['gates', [{ ...ok, to: 'observe' }]],
    ['gates', [{ ...ok, minXlinkPercentage: 101 }]],
    ['gates', [{ ...ok, minXlinkPercentage: Number.NaN }]],
    ['gates', [{ ...ok, minDwellMs: -1 }]],
    ['gates', [{ ...ok, minDwellMs: '28 days' }]],
    ['gates', [{ ...ok, minDwellMs: '5' }]],
    ['gates', [{ ...ok, maxErrorRate: 5 }]],
    ['gates', [{ ...ok, requireSafeClients: undefined }]],
    ['errorBudget', 0.01],
    ['auto', 'yes'],
    ['ignoreClients', 'acme'],
    ['ignoreClients', [1]],
    ['windowMs', 0],
    ['report', 1],
    ['intervalMs', 0],
    ['intervalMs', 2 ** 31],
    ['since', new Date()],
    ['applyMode', 'setMode'],
    ['clock', NOON],
    ['adapter', {}],
    ['adapter', undefined],
    ['autom', true],
  ])('%s: %j is refused', async (name, value) => {
    expect(await optionRefusedBy(() => made('observe', { [name]: value } as never))).toBe(name);
  });

  test.each([
    ['maxErrorRate', 1.1],
    ['maxErrorRate', '0.1'],
    ['minRequests', 0.5],
    ['watchMs', -1],
    ['maxErrors', 1],
  ])('errorBudget.%s: %j is refused', async (name, value) => {
    expect(await optionRefusedBy(() => made('observe', { errorBudget: { [name]: value } }))).toBe(name);
  });

  test('an adapter without clients cannot be judged', async () => {
    const { plan } = await made('observe', {}, { clients: undefined } as never);
    expect(await optionRefusedBy(() => plan.evaluate())).toBe('clients');
  });
});
