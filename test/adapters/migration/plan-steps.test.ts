import { describe, expect, jest, test } from '@jest/globals';
import type { MigrationPlanOptions } from '@private.me/xlink';
import { DAY, HOUR } from '../../support/clock.js';

import { gate } from './gate.js';
import { made } from './plan-support.js';

describe('a plan that may act', () => {
  const gates = [gate('observe', 'hybrid'), gate('hybrid', 'deprecation', { minDwellMs: 30 * DAY })];

  /** Made the step from observe to hybrid just now. */
  async function stepped(options: Partial<MigrationPlanOptions> = {}) {
    const all = await made('observe', { auto: true, gates, ...options });
    expect(await all.plan.evaluate()).toMatchObject({ mode: 'observe', next: 'hybrid', changed: true });
    return all;
  }

  test('takes the step once, with its reason in the event', async () => {
    const { plan, adapter, steps } = await stepped();
    expect(adapter.mode).toBe('hybrid');
    expect(await plan.evaluate()).toMatchObject({
      mode: 'hybrid',
      next: 'deprecation',
      ready: false,
      changed: false,
    });
    expect(steps()).toEqual(['observe > hybrid: the gate from observe to hybrid is open']);
  });

  test('goes back when the error budget burns', async () => {
    const { plan, traffic, adapter, steps } = await stepped();
    traffic('acme', { xlink: 90, failures: { DECRYPT_FAILED: 10 } });
    expect(await plan.evaluate()).toMatchObject({
      mode: 'hybrid',
      next: 'observe',
      direction: 'back',
      ready: true,
      reason: '10.0% of requests were refused; 1.0% is the limit',
      blockers: [],
      changed: true,
    });
    expect(adapter.mode).toBe('observe');
    expect(steps()[1]).toBe('hybrid > observe: 10.0% of requests were refused; 1.0% is the limit');
  });

  test('counts anew after each step: what sent it back does not send it back again', async () => {
    const { plan, traffic, steps } = await stepped({ gates: [gate('observe', 'hybrid', { minDwellMs: 0 })] });
    traffic('acme', { failures: { SCOPE_DENIED: 100 } });
    await plan.evaluate();
    expect(await plan.evaluate()).toMatchObject({ next: 'hybrid', changed: true });
    expect(await plan.evaluate()).toMatchObject({ direction: 'stay' });
    expect(steps()).toHaveLength(3);
  });

  test('errors from before the step do not count against it', async () => {
    const { plan, traffic, clock } = await made('observe', {
      auto: true,
      gates: [gate('observe', 'hybrid', { minDwellMs: DAY })],
    });
    traffic('acme', { failures: { SCOPE_DENIED: 100 } });
    await plan.evaluate();
    clock.advance(DAY);
    traffic('acme', { failures: { SCOPE_DENIED: 100 } });
    expect(await plan.evaluate()).toMatchObject({ changed: true, next: 'hybrid' });
    expect(await plan.evaluate()).toMatchObject({ direction: 'stay', traffic: { refused: 0 } });
  });

  test.each([
    ['as many refusals as are tolerated', { xlink: 99, failures: { SCOPE_DENIED: 1 } }],
    ['too few requests to conclude anything', { xlink: 9, failures: { SCOPE_DENIED: 10 } }],
    ['refusals in announced brownouts', { key: 1, failures: { API_KEY_BROWNOUT: 500 } }],
    ['keys that clients switched off', { key: 1, failures: { API_KEY_SWITCHED_OFF: 500 } }],
    ['no traffic', {}],
  ])('does not go back for %s', async (_, share) => {
    const { plan, traffic, adapter } = await stepped();
    traffic('acme', share);
    expect((await plan.evaluate()).direction).toBe('forward');
    expect(adapter.mode).toBe('hybrid');
  });

  test('goes back when stragglers are locked out', async () => {
    const { plan, traffic, steps } = await made('deprecation', {
      auto: true,
      gates: [gate('deprecation', 'xlink-only')],
    });
    await plan.evaluate();
    traffic('acme', { xlink: 70, failures: { XLINK_REQUIRED: 30 } });
    await plan.evaluate();
    expect(steps()).toEqual([
      'deprecation > xlink-only: the gate from deprecation to xlink-only is open',
      'xlink-only > deprecation: 30.0% of requests were refused; 1.0% is the limit',
    ]);
  });

  test('watches a step for as long as it was told to, and to its own measure', async () => {
    const errorBudget = { watchMs: HOUR, minRequests: 1, maxErrorRate: 0.5 };
    const { plan, traffic, clock, adapter } = await stepped({ errorBudget });
    traffic('acme', { key: 1, failures: { SCOPE_DENIED: 1 } });
    expect((await plan.evaluate()).direction).toBe('forward');
    clock.advance(HOUR + 1);
    traffic('acme', { failures: { SCOPE_DENIED: 50 } });
    expect((await plan.evaluate()).direction).toBe('forward');

    const early = await stepped({ errorBudget });
    early.clock.advance(HOUR);
    early.traffic('acme', { failures: { SCOPE_DENIED: 1 } });
    expect((await early.plan.evaluate()).direction).toBe('back');
    expect(adapter.mode).toBe('hybrid');
  });

  test('clients that are ignored burn nothing', async () => {
    const { plan, traffic } = await stepped({ ignoreClients: ['abandoned'] });
    traffic('abandoned', { failures: { XLINK_REQUIRED: 500 } });
    expect((await plan.evaluate()).direction).toBe('forward');
  });

  test('somebody else sets the mode: its time starts anew, and it is not taken back', async () => {
    const { plan, traffic, clock, adapter, steps } = await stepped();
    clock.advance(30 * DAY - 1);
    adapter.setMode('deprecation', 'by hand');
    adapter.setMode('hybrid', 'by hand');
    expect((await plan.evaluate()).ready).toBe(false); // to and fro between two looks is not seen
    adapter.setMode('xlink-only', 'by hand');
    await plan.evaluate();
    traffic('acme', { failures: { XLINK_REQUIRED: 500 } });
    expect(await plan.evaluate()).toMatchObject({ mode: 'xlink-only', direction: 'stay' });
    adapter.setMode('hybrid', 'by hand');
    const advice = await plan.evaluate();
    expect(advice.blockers).toContain('hybrid has been in force for 0 days; this step needs 30 days');
    expect(steps().filter((step) => !step.endsWith('by hand'))).toHaveLength(1);
  });

  test('without auto it advises to take back a step that somebody else made, and does not do it', async () => {
    const { plan, traffic, adapter } = await made('hybrid', { gates });
    await plan.evaluate();
    adapter.setMode('xlink-only', 'by hand');
    await plan.evaluate();
    traffic('acme', { failures: { XLINK_REQUIRED: 500 } });
    const advice = await plan.evaluate();
    expect(advice).toMatchObject({ direction: 'back', next: 'hybrid', ready: true, changed: false });
    expect(adapter.mode).toBe('xlink-only');
  });

  test('applyMode carries the change out instead', async () => {
    const applied: string[] = [];
    const { plan, adapter } = await made('observe', {
      auto: true,
      gates,
      async applyMode(mode, reason) {
        applied.push(`${mode}: ${reason}`);
        adapter.setMode(mode, reason);
      },
    });
    expect((await plan.evaluate()).changed).toBe(true);
    expect(applied).toEqual(['hybrid: the gate from observe to hybrid is open']);
    expect((await plan.evaluate()).mode).toBe('hybrid');
  });

  test('a change that could not be carried out is tried again', async () => {
    let down = true;
    const { plan, adapter, steps } = await made('observe', {
      auto: true,
      gates,
      applyMode(mode, reason) {
        if (down) throw new Error('the others do not answer');
        adapter.setMode(mode, reason);
      },
    });
    await expect(plan.evaluate()).rejects.toThrow('the others do not answer');
    expect([adapter.mode, steps()]).toEqual(['observe', []]);
    down = false;
    expect((await plan.evaluate()).changed).toBe(true);
  });

  test('a store that is down moves nothing', async () => {
    const { plan, store, adapter } = await made('observe', { auto: true, gates });
    store.down.add('list');
    await expect(plan.evaluate()).rejects.toMatchObject({ id: 'CLIENT_STORE_UNAVAILABLE' });
    expect(adapter.mode).toBe('observe');
  });
});

describe('start and stop', () => {
  test('looks at once, and every minute until it is told to stop', async () => {
    jest.useFakeTimers();
    const { plan, adapter } = await made('observe', { auto: true, gates: [gate('observe', 'hybrid')] });
    const looks = jest.spyOn(plan, 'evaluate');
    plan.start();
    plan.start();
    await jest.advanceTimersByTimeAsync(0);
    expect([adapter.mode, looks.mock.calls.length]).toEqual(['hybrid', 1]);
    expect(plan.latest).toMatchObject({ changed: true });
    await jest.advanceTimersByTimeAsync(59_999);
    expect(looks).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(looks).toHaveBeenCalledTimes(2);
    await jest.advanceTimersByTimeAsync(120_000);
    expect(looks).toHaveBeenCalledTimes(4);
    plan.stop();
    plan.stop();
    await jest.advanceTimersByTimeAsync(600_000);
    expect([looks.mock.calls.length, jest.getTimerCount()]).toEqual([4, 0]);
    plan.start();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(looks).toHaveBeenCalledTimes(6);
    plan.stop();
  });

  test('failures are told, and the next look comes all the same', async () => {
    jest.useFakeTimers();
    const { plan, store, adapter } = await made('observe', {
      auto: true,
      gates: [gate('observe', 'hybrid')],
      intervalMs: 100,
    });
    store.down.add('list');
    const told: unknown[] = [];
    plan.start((error) => told.push(error));
    await jest.advanceTimersByTimeAsync(100);
    expect(told).toEqual(Array(2).fill(expect.objectContaining({ id: 'CLIENT_STORE_UNAVAILABLE' })));
    store.down.clear();
    await jest.advanceTimersByTimeAsync(100);
    expect([told.length, adapter.mode]).toEqual([2, 'hybrid']);
    plan.stop();
  });
});
