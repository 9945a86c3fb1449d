import { afterEach, describe, expect, jest, test } from '@jest/globals';
import {
  type ClientActivity,
  DEFAULT_GATES,
  DualModeAdapter,
  type DualModeOptions,
  type Gate,
  MigrationPlan,
  type MigrationPlanOptions,
  type Mode,
  type ModeEvent,
  type XlinkEvent,
} from '@private.me/xlink';
import { DAY, HOUR, MINUTE, NOON } from '../../support/clock.js';
import { ACME, BOLT } from '../../support/http.js';
import { optionRefusedBy } from '../../support/results.js';
import { World } from '../../support/world.js';
import { breakable } from '../breakable-store.js';
import { enrollment, sealed, withKey } from '../requests.js';

afterEach(() => {
  jest.useRealTimers();
});

const OPEN: Omit<Gate, 'from' | 'to'> = {
  minXlinkPercentage: 0,
  minDwellMs: 0,
  maxErrorRate: 1,
  requireSafeClients: false,
};
const gate = (from: Mode, to: Mode, more: Partial<Gate> = {}): Gate => ({ ...OPEN, from, to, ...more });

/** A plan for an adapter in `mode`, and traffic of clients as it shows up in the store. */
async function made(
  mode: Mode,
  options: Partial<MigrationPlanOptions> = {},
  more: Partial<DualModeOptions> = {},
) {
  const world = new World();
  const { clock } = world;
  const store = breakable(world.clients);
  const events: XlinkEvent[] = [];
  const adapter = new DualModeAdapter({
    agent: await world.agent('api'),
    legacyKeyValidator: () => null,
    mode,
    clients: store,
    clock,
    observers: [(event) => void events.push(event)],
    ...more,
  });
  const plan = new MigrationPlan({ adapter, clock, ...options });
  /** What clients did since the last call. */
  const traffic = (client: string, { key = 0, xlink = 0, failures = {} as Record<string, number> }) => {
    const activity: ClientActivity = {
      client,
      keyRequests: key,
      xlinkRequests: xlink,
      failures,
      ...(key > 0 ? { lastKeyUse: clock() } : {}),
      ...(xlink > 0 ? { lastXlinkUse: clock() } : {}),
    };
    world.clients.add([activity]);
  };
  const steps = () =>
    events
      .filter((event): event is ModeEvent => event.type === 'mode')
      .slice(1)
      .map(({ from, to, reason }) => `${from} > ${to}: ${reason}`);
  return { world, clock, store, adapter, plan, traffic, steps, events };
}

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
        'deprecation has been in force for 7.5 days, 28.0 days are wanted',
        'xLink is at 40.0 %, 95 % are wanted',
        '16.7 % of the requests were refused, 1.0 % are tolerated',
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
      'hybrid has been in force for 1.0 days, 1.0 days are wanted',
    ]);
    clock.advance(1);
    expect((await plan.evaluate()).ready).toBe(true);
    traffic('acme', { key: 1, failures: { SCOPE_DENIED: 1 } });
    expect((await plan.evaluate()).blockers).toEqual([
      'xLink is at 94.1 %, 95 % are wanted',
      '20.5 % of the requests were refused, 20.0 % are tolerated',
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
      reason: '10.0 % of the requests were refused, 1.0 % are tolerated',
      blockers: [],
      changed: true,
    });
    expect(adapter.mode).toBe('observe');
    expect(steps()[1]).toBe('hybrid > observe: 10.0 % of the requests were refused, 1.0 % are tolerated');
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
      'xlink-only > deprecation: 30.0 % of the requests were refused, 1.0 % are tolerated',
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
    expect(advice.blockers).toContain('hybrid has been in force for 0.0 days, 30.0 days are wanted');
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
  test('looks every minute until it is told to stop', async () => {
    jest.useFakeTimers();
    const { plan, adapter } = await made('observe', { auto: true, gates: [gate('observe', 'hybrid')] });
    const looks = jest.spyOn(plan, 'evaluate');
    plan.start();
    plan.start();
    expect(looks).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(59_999);
    expect(adapter.mode).toBe('observe');
    await jest.advanceTimersByTimeAsync(1);
    expect([adapter.mode, looks.mock.calls.length]).toEqual(['hybrid', 1]);
    await jest.advanceTimersByTimeAsync(120_000);
    expect(looks).toHaveBeenCalledTimes(3);
    plan.stop();
    plan.stop();
    await jest.advanceTimersByTimeAsync(600_000);
    expect([looks.mock.calls.length, jest.getTimerCount()]).toEqual([3, 0]);
    plan.start();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(looks).toHaveBeenCalledTimes(4);
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
    await jest.advanceTimersByTimeAsync(200);
    expect(told).toEqual(Array(2).fill(expect.objectContaining({ id: 'CLIENT_STORE_UNAVAILABLE' })));
    store.down.clear();
    await jest.advanceTimersByTimeAsync(100);
    expect([told.length, adapter.mode]).toEqual([2, 'hybrid']);
    plan.stop();
  });
});

describe('over HTTP', () => {
  test('clients that fail after a step send the API back, a stranger does not', async () => {
    const world = new World();
    const { clock, clients } = world;
    const api = await world.agent('api');
    const service = await world.serve({ agent: api, clock, clients, mode: 'observe' });
    const { adapter } = service;
    const plan = new MigrationPlan({ adapter, clock, auto: true, gates: [gate('observe', 'hybrid')] });
    const [device, stranger] = [await world.stranger('device'), await world.stranger('stranger')];
    await service.send(enrollment(device, api, ACME));
    await plan.evaluate();
    expect(adapter.mode).toBe('hybrid');

    for (let i = 0; i < 25; i++)
      await service.refused(sealed(stranger, api), '401 VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
    for (let i = 0; i < 20; i++) await service.accepted(withKey(BOLT));
    expect(await plan.evaluate()).toMatchObject({
      direction: 'stay',
      traffic: { key: 20, xlink: 0, refused: 0 },
    });

    for (let i = 0; i < 5; i++)
      await service.refused(sealed(device, api, {}, { scope: 'refunds' }), '403 SCOPE_DENIED');
    expect(await plan.evaluate()).toMatchObject({
      direction: 'back',
      changed: true,
      traffic: { key: 20, refused: 5 },
    });
    expect(service.of('mode').at(-1)).toEqual({
      type: 'mode',
      from: 'hybrid',
      to: 'observe',
      reason: '20.0 % of the requests were refused, 1.0 % are tolerated',
    });
  });

  test('an announced brownout does not', async () => {
    const world = new World();
    const { clock, clients } = world;
    const service = await world.serve({ agent: await world.agent('api'), clock, clients, mode: 'hybrid' });
    const { adapter } = service;
    const plan = new MigrationPlan({ adapter, clock, auto: true, gates: [gate('hybrid', 'deprecation')] });
    await plan.evaluate();
    adapter.scheduleBrownout({ from: new Date(NOON), until: new Date(NOON + HOUR) });
    for (let i = 0; i < 25; i++) await service.refused(withKey(BOLT), '401 API_KEY_BROWNOUT');
    expect((await plan.evaluate()).direction).toBe('stay');
    expect(adapter.mode).toBe('deprecation');
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
