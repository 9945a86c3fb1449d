import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { XlinkEvent } from '@private.me/xlink';
import { METRICS, prometheusMetrics } from '@private.me/xlink/metrics';
import {
  AggregatorRegistry,
  Counter,
  Gauge,
  register as globalRegistry,
  Histogram,
  Registry,
} from 'prom-client';
import { thrownBy } from '../support/results.js';
import { byEnvelope, linesOf, observed, request, routesOf, valuesOf } from './support.js';

const NAMES = Object.values(METRICS).map(({ name }) => name);
const HYBRID = 'method="api-key",outcome="accepted",reason="ok",mode="hybrid",route="/orders"';

describe('a registry', () => {
  afterEach(() => globalRegistry.clear());

  test('is the global one of prom-client where none is given', async () => {
    prometheusMetrics({ maxClients: 1 })(request());
    expect(await globalRegistry.metrics()).toContain('xlink_requests_total{method="api-key"');
    expect(
      globalRegistry
        .getMetricsAsArray()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...NAMES].sort());
  });

  test('is used afresh after it was cleared', async () => {
    prometheusMetrics()(byEnvelope());
    globalRegistry.clear();
    prometheusMetrics()(request());
    expect(await linesOf(globalRegistry, METRICS.requests.name)).toEqual([`{${HYBRID}} 1`]);
    expect(await linesOf(globalRegistry, METRICS.adoption.name)).toEqual([' 0']);
  });

  test('that has the series already is used, by any number of adapters', async () => {
    const register = new Registry();
    const [first, second] = [prometheusMetrics({ register }), prometheusMetrics({ register })];
    first(request());
    second(request());
    second(byEnvelope());
    second(byEnvelope());
    expect(register.getMetricsAsArray()).toHaveLength(NAMES.length - 1);
    expect(await linesOf(register, METRICS.requests.name)).toContain(`{${HYBRID}} 2`);
    expect(await linesOf(register, METRICS.adoption.name)).toEqual([' 0.5']);
    expect(await linesOf(register, METRICS.adoptionPct.name)).toEqual([' 50']);
  });

  test('has one bound, however many adapters share it', async () => {
    const register = new Registry();
    for (let adapter = 0; adapter < 5; adapter++) {
      const observe = prometheusMetrics({ register, maxRoutes: 3, maxClients: 2 });
      for (let i = 0; i < 10; i++)
        observe(request({ route: `/${adapter}/${i}`, client: `c${adapter}-${i}` }));
    }
    expect(await routesOf(register)).toEqual(['/0/0', '/0/1', '/0/2', 'other']);
    expect(await valuesOf(register, METRICS.clientRequests.name, 'client')).toEqual([
      'c0-0',
      'c0-1',
      'other',
    ]);
  });

  test('is not touched by what another one counts', async () => {
    const [one, two] = [observed([request()]), observed([byEnvelope()])];
    expect(await linesOf(one.register, METRICS.adoption.name)).toEqual([' 0']);
    expect(await linesOf(two.register, METRICS.adoption.name)).toEqual([' 1']);
  });

  test('keeps the metrics of the application beside ours', async () => {
    const register = new Registry();
    new Gauge({ name: 'app_up', help: 'of the application', registers: [register] }).set(1);
    prometheusMetrics({ register })(request());
    expect(await register.metrics()).toContain('app_up 1');
  });

  test('can have default labels, which never replace ours', async () => {
    const register = new Registry();
    register.setDefaultLabels({ service: 'shop', route: 'nowhere', mode: 'none' });
    const observe = prometheusMetrics({ register, maxClients: 1 });
    observe({ type: 'mode', to: 'hybrid' });
    observe(request({ client: 'acme' }));
    const text = await register.metrics();
    expect(text).toContain(`xlink_requests_total{${HYBRID},service="shop"} 1`);
    expect(text).toMatch(/^xlink_mode\{mode="hybrid",service="shop",route="nowhere"\} 1$/m);
    expect(text).toMatch(/^xlink_auth_duration_seconds_count\{service="shop",.*method="api-key"\} 1$/m);
    const samples = text.split('\n').filter((line) => line && !line.startsWith('#'));
    for (const line of samples) {
      const names = [...line.matchAll(/[{,](\w+)="/g)].map(([, name]) => name);
      expect(new Set(names).size).toBe(names.length);
      expect(line).toContain('service="shop"');
    }
  });
});

describe('an event', () => {
  const events: XlinkEvent[] = [
    byEnvelope({ client: 'acme' }),
    request({ client: 'acme' }),
    { type: 'observed', reason: 'ok' },
    { type: 'downgrade', client: 'acme', refused: true },
    { type: 'mode', to: 'hybrid' },
  ];

  test('is counted once, however many observers on a registry are told of it', async () => {
    const once = observed(events, { maxClients: 5 });
    const register = new Registry();
    const observers = [1, 2, 3].map(() => prometheusMetrics({ register, maxClients: 5 }));
    for (const event of events) for (const observe of observers) observe(event);
    expect(await register.metrics()).toBe(await once.register.metrics());
    expect(await linesOf(register, METRICS.requests.name)).toContain(`{${HYBRID}} 1`);
  });

  test('is counted by client also if the observer before knows no clients', async () => {
    const register = new Registry();
    const observers = [prometheusMetrics({ register }), prometheusMetrics({ register, maxClients: 1 })];
    const event = request({ client: 'acme' });
    for (const observe of observers) observe(event);
    expect(await linesOf(register, METRICS.clientRequests.name)).toEqual([
      '{client="acme",method="api-key",outcome="accepted"} 1',
    ]);
    expect(await linesOf(register, METRICS.requests.name)).toEqual([`{${HYBRID}} 1`]);
  });
});

describe('a module that was loaded again', () => {
  test('goes on where the one before stopped, on the same registry', async () => {
    const register = new Registry();
    const old = prometheusMetrics({ register, maxRoutes: 2 });
    old({ type: 'mode', to: 'hybrid', sunset: 1_000_000 });
    old(request({ route: '/a' }));
    jest.resetModules();
    const again = await import('../../src/metrics.js');
    expect(again.prometheusMetrics).not.toBe(prometheusMetrics);
    const fresh = again.prometheusMetrics({ register, maxRoutes: 2 });
    for (const route of ['/a', '/b', '/c']) fresh(byEnvelope({ route }));
    const told = request({ route: '/b' });
    old(told); // both still sit on the adapter
    fresh(told);

    expect(await routesOf(register)).toEqual(['/a', '/b', 'other']);
    expect(await linesOf(register, METRICS.adoption.name)).toEqual([' 0.6']);
    expect(await linesOf(register, METRICS.sunset.name)).toEqual([' 1000']);
    const counts = (await linesOf(register, METRICS.requests.name)).map((line) => Number(line.split(' ')[1]));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(5);
    fresh({ type: 'mode', to: 'hybrid', sunset: 2_000_000 });
    expect(await linesOf(register, METRICS.sunset.name)).toEqual([' 2000']);
  });
});

describe('a name that is taken', () => {
  const config = { help: 'of the application' };

  test.each<[string, (registers: Registry[]) => unknown]>([
    [
      'xlink_requests_total',
      (registers) => new Counter({ ...config, name: 'xlink_requests_total', registers }),
    ],
    [
      'xlink_requests_total',
      (registers) =>
        new Gauge({
          ...config,
          name: 'xlink_requests_total',
          labelNames: Object.keys(METRICS.requests.labels),
          registers,
        }),
    ],
    [
      'xlink_auth_duration_seconds',
      (registers) =>
        new Histogram({
          ...config,
          name: 'xlink_auth_duration_seconds',
          labelNames: ['method', 'route'],
          registers,
        }),
    ],
    ['xlink_mode', (registers) => new Gauge({ ...config, name: 'xlink_mode', registers })],
    [
      'xlink_adoption_pct',
      (registers) =>
        new Gauge({
          ...config,
          name: 'xlink_adoption_pct',
          registers,
          collect() {
            this.set(1);
          },
        }),
    ],
  ])('is refused by its name, and nothing is added: %s', async (name, take) => {
    const register = new Registry();
    take([register]);
    const error = await thrownBy(() => prometheusMetrics({ register }));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', 'register']);
    expect(error.hint).toContain(` ${name} `);
    expect(register.getMetricsAsArray()).toHaveLength(1);
  });

  test('by a metric of the same kind and labels is used', async () => {
    const register = new Registry();
    new Gauge({ name: 'xlink_adoption_pct', help: 'of the application', registers: [register] }).set(7);
    const labelNames = ['route', 'mode', 'reason', 'outcome', 'method'];
    new Counter({ name: 'xlink_requests_total', help: 'same', labelNames, registers: [register] });
    const observe = prometheusMetrics({ register });
    observe(byEnvelope());
    expect(await linesOf(register, METRICS.adoptionPct.name)).toEqual([' 100']);
    expect(await linesOf(register, METRICS.requests.name)).toHaveLength(1);
  });

  test('is no trouble with a prefix', async () => {
    const register = new Registry();
    new Counter({ ...config, name: 'xlink_requests_total', registers: [register] });
    prometheusMetrics({ register, prefix: 'shop_' })(request());
    expect(await linesOf(register, 'shop_xlink_requests_total')).toEqual([`{${HYBRID}} 1`]);
  });
});

describe('a prefix', () => {
  test('is put in front of every name, and of nothing else', async () => {
    const events: XlinkEvent[] = [request({ client: 'acme' }), byEnvelope(), { type: 'mode', to: 'hybrid' }];
    const plain = observed(events, { maxClients: 2 });
    const prefixed = observed(events, { maxClients: 2, prefix: 'a:B_9' });
    const expected = (await plain.register.metrics()).replace(
      /^(# (?:HELP|TYPE) )?(?=xlink_)/gm,
      (start) => `${start}a:B_9`,
    );
    expect(await prefixed.register.metrics()).toBe(expected);
  });

  test('keeps adapters on one registry apart', async () => {
    const register = new Registry();
    const event = request();
    for (const prefix of ['one_', 'two_', '']) prometheusMetrics({ register, prefix })(event);
    for (const prefix of ['one_', 'two_', ''])
      expect(await linesOf(register, `${prefix}xlink_requests_total`)).toEqual([`{${HYBRID}} 1`]);
  });
});

describe('workers of a cluster, added up', () => {
  const aggregated = async (...workers: XlinkEvent[][]) => {
    const registries = workers.map((events) => observed(events).register);
    const reports = await Promise.all(registries.map((register) => register.getMetricsAsJSON()));
    return AggregatorRegistry.aggregate(reports as never) as Registry;
  };

  test('sum their requests, and agree on the mode', async () => {
    const register = await aggregated(
      [{ type: 'mode', to: 'hybrid' }, request(), request(), byEnvelope()],
      [{ type: 'mode', to: 'hybrid' }, request(), byEnvelope({ durationMs: 40 })],
    );
    expect(await linesOf(register, METRICS.requests.name)).toContain(`{${HYBRID}} 3`);
    expect(await linesOf(register, METRICS.envelopes.name)).toEqual(['{version="2",form="sealed"} 2']);
    expect(await linesOf(register, METRICS.mode.name)).toContain('{mode="hybrid"} 1');
    expect(await linesOf(register, METRICS.mode.name)).toContain('{mode="observe"} 0');
    const text = await register.getSingleMetricAsString(METRICS.duration.name);
    expect(text).toContain('xlink_auth_duration_seconds_count{method="xlink"} 2');
    expect(text).toContain('xlink_auth_duration_seconds_bucket{le="0.025",method="xlink"} 1');
  });

  test('show the mean of their ratios; who is idle has none', async () => {
    const register = await aggregated([byEnvelope()], [request()], [], [request()], [byEnvelope()]);
    expect(await linesOf(register, METRICS.adoption.name)).toEqual([' 0.5']);
    expect(await linesOf(register, METRICS.adoptionPct.name)).toEqual([' 50']);
  });
});
