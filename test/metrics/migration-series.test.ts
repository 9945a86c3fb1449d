import { describe, expect, test } from '@jest/globals';
import type { XlinkEvent } from '@private.me/xlink';
import { METRICS } from '@private.me/xlink/metrics';
import { advice, byEnvelope, linesOf, NO_CLIENTS, observed, open, request } from './support.js';

const SUNSET = Date.UTC(2030, 0, 1);

describe('xlink_mode', () => {
  const modes = (mode: string) =>
    ['observe', 'hybrid', 'deprecation', 'xlink-only'].map(
      (label) => `{mode="${label}"} ${label === mode ? 1 : 0}`,
    );

  test('follows the mode, and nothing that is set for one route or client', async () => {
    const { register, observe } = observed([{ type: 'mode', to: 'hybrid' }]);
    const ofOne: XlinkEvent[] = [
      { type: 'mode', from: 'hybrid', to: 'xlink-only', route: '/payments' },
      { type: 'mode', from: 'hybrid', to: 'observe', client: 'acme' },
      { type: 'mode', from: 'hybrid', to: 'observe', client: '' },
    ];
    for (const event of ofOne) observe(event);
    expect(await linesOf(register, METRICS.mode.name)).toEqual(modes('hybrid'));
    observe({ type: 'mode', from: 'hybrid', to: 'deprecation' });
    expect(await linesOf(register, METRICS.mode.name)).toEqual(modes('deprecation'));
  });
});

describe('xlink_sunset_timestamp_seconds', () => {
  const { name } = METRICS.sunset;

  test('is there as long as a sunset is announced, and is no statement before', async () => {
    const { register, observe } = observed();
    expect(await linesOf(register, name)).toEqual([]);
    observe({ type: 'mode', to: 'hybrid' });
    expect(await linesOf(register, name)).toEqual([]);
    observe({ type: 'mode', to: 'deprecation', sunset: SUNSET + 500 });
    expect(await linesOf(register, name)).toEqual([` ${SUNSET / 1000 + 0.5}`]);
    observe({ type: 'mode', to: 'hybrid', client: 'acme' });
    expect(await linesOf(register, name)).toEqual([` ${SUNSET / 1000 + 0.5}`]);
    observe({ type: 'mode', to: 'hybrid' });
    expect(await linesOf(register, name)).toEqual([]);
  });

  test('survives a reset of the registry, which would show 1970', async () => {
    const { register } = observed([{ type: 'mode', to: 'hybrid', sunset: SUNSET }]);
    register.resetMetrics();
    expect(await linesOf(register, name)).toEqual([` ${SUNSET / 1000}`]);
    const { register: quiet } = observed();
    quiet.resetMetrics();
    expect(await linesOf(quiet, name)).toEqual([]);
  });
});

describe('a reset of the registry', () => {
  const gauges = Object.values(METRICS).filter(({ type }) => type === 'gauge');

  test.each(gauges)('[E5] leaves $name as it was', async ({ name }) => {
    const { register } = observed([
      { type: 'mode', to: 'deprecation', sunset: SUNSET },
      byEnvelope(),
      request(),
      open(),
      advice({ blockers: 4, clients: { ...NO_CLIENTS, failing: 2, moved: 1 } }),
      { type: 'key-epoch', keyEpoch: 1, since: Date.now() - 60_500, rotatesAt: Date.now() + 60_500 },
      { type: 'session', did: 'did:key:z', version: 2, notAfter: Date.now() + 60_500 },
    ]);
    /** In whole seconds, for two of them go on with the time. */
    const lines = async () =>
      (await linesOf(register, name)).map((line) => line.replace(/ (\d+)\.\d+$/, ' $1'));
    const before = await lines();
    expect(before.length).toBeGreaterThan(0);
    register.resetMetrics();
    expect(await lines()).toEqual(before);
  });

  test('[E5] shows no gauge before there is something to say', async () => {
    const { register } = observed();
    register.resetMetrics();
    for (const { name } of gauges) expect([name, await linesOf(register, name)]).toEqual([name, []]);
  });

  test('[E5] begins all counters anew, and they go on counting', async () => {
    const { register, observe } = observed([request(), byEnvelope()]);
    await register.metrics();
    register.resetMetrics();
    expect(await linesOf(register, METRICS.requests.name)).toEqual([]);
    observe(request());
    const lines = await linesOf(register, METRICS.requests.name);
    expect(lines.map((line) => line.split(' ').at(-1))).toEqual(['1']);
  });
});

describe('what a plan found', () => {
  const all = async (register: ReturnType<typeof observed>['register']) => ({
    gate: await linesOf(register, METRICS.nextGate.name),
    blockers: await linesOf(register, METRICS.gateBlockers.name),
    clients: (await linesOf(register, METRICS.clients.name)).filter((line) => !line.endsWith(' 0')),
  });

  test('is absent before a plan looked', async () => {
    const { register } = observed([{ type: 'mode', to: 'hybrid' }]);
    expect(await all(register)).toEqual({ gate: [], blockers: [], clients: [] });
    expect(await linesOf(register, METRICS.clients.name)).toEqual([]);
  });

  test('is about the present next step only', async () => {
    const { register, observe } = observed([
      advice({ blockers: 4, clients: { ...NO_CLIENTS, failing: 2, moved: 1 } }),
    ]);
    expect(await all(register)).toEqual({
      gate: ['{to="deprecation",direction="forward"} 0'],
      blockers: [' 4'],
      clients: ['{state="failing"} 2', '{state="moved"} 1'],
    });
    observe(advice({ ready: true, blockers: 0, clients: { ...NO_CLIENTS, moved: 3 } }));
    expect(await all(register)).toEqual({
      gate: ['{to="deprecation",direction="forward"} 1'],
      blockers: [' 0'],
      clients: ['{state="moved"} 3'],
    });
    observe(advice({ mode: 'deprecation', next: 'hybrid', direction: 'back', ready: true, blockers: 0 }));
    expect(await all(register)).toEqual({
      gate: ['{to="hybrid",direction="back"} 1'],
      blockers: [' 0'],
      clients: [],
    });
    observe({
      type: 'advice',
      mode: 'xlink-only',
      direction: 'stay',
      ready: false,
      blockers: 0,
      clients: { ...NO_CLIENTS, moved: 3 },
    });
    expect(await all(register)).toEqual({ gate: [], blockers: [], clients: ['{state="moved"} 3'] });
  });
});
