import { afterEach, describe, expect, test } from '@jest/globals';
import { AggregatorRegistry, Gauge, register as globalRegistry, Registry } from 'prom-client';
import { METRICS, prometheusMetrics } from '../../src/metrics/index.js';
import type { Observer, RequestEvent, XlinkEvent } from '../../src/types.js';
import { thrownBy } from '../support/results.js';

const request = (part: Partial<RequestEvent> = {}): RequestEvent => ({
  type: 'request',
  mode: 'hybrid',
  method: 'api-key',
  outcome: 'accepted',
  reason: 'ok',
  status: 200,
  route: '/orders',
  durationMs: 2,
  ...part,
});

const byEnvelope = (part: Partial<RequestEvent> = {}): RequestEvent =>
  request({ method: 'xlink', version: 2, encrypted: true, ...part });

function observed(...events: XlinkEvent[]) {
  const register = new Registry();
  const observe = prometheusMetrics({ register });
  for (const event of events) observe(event);
  return { register, observe };
}

const sampleOf = async (register: Registry, name: string, labels: Record<string, string> = {}) => {
  const metric = await register.getSingleMetric(name)!.get();
  return metric.values.find((value) => JSON.stringify(value.labels) === JSON.stringify(labels))?.value;
};
const routesOf = async (register: Registry): Promise<unknown[]> => {
  const { values } = await register.getSingleMetric(METRICS.requests.name)!.get();
  return [...new Set(values.map(({ labels }) => labels.route))];
};
const textOf = async (register: Registry, name: string): Promise<string[]> =>
  (await register.getSingleMetricAsString(name)).split('\n').filter((line) => !line.startsWith('#'));

describe('prometheusMetrics', () => {
  test('writes exactly this', async () => {
    const { register } = observed(
      { type: 'mode', to: 'observe' },
      { type: 'mode', from: 'observe', to: 'hybrid', reason: 'start' },
      request(),
      request({ durationMs: 0.04, mode: 'deprecation' }),
      byEnvelope({ durationMs: 30, route: '/orders/:id' }),
      byEnvelope({ version: 1, encrypted: false, durationMs: 12_000 }),
      request({ outcome: 'refused', reason: 'API_KEY_INVALID', status: 401, route: 'unmatched' }),
      request({ method: 'none', outcome: 'refused', reason: 'CREDENTIALS_MISSING', status: 401 }),
      { type: 'observed', reason: 'ok', version: 2 },
      { type: 'observed', reason: 'VERIFICATION_FAILED:SIGNATURE_MISMATCH' },
      { type: 'downgrade', client: 'acme', refused: false },
      { type: 'downgrade', client: 'acme', refused: true },
      { type: 'downgrade', client: 'acme', refused: true },
    );
    const counted = (labels: string, value: number) => `xlink_requests_total{${labels}} ${value}`;
    const bounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, '+Inf'];
    const histogram = (method: string, counts: number[], sum: number) => [
      ...bounds.map(
        (le, i) => `xlink_auth_duration_seconds_bucket{le="${le}",method="${method}"} ${counts[i]}`,
      ),
      `xlink_auth_duration_seconds_sum{method="${method}"} ${sum}`,
      `xlink_auth_duration_seconds_count{method="${method}"} ${counts.at(-1)}`,
    ];
    expect((await register.metrics()).trimEnd().split('\n')).toEqual([
      `# HELP xlink_requests_total ${METRICS.requests.help}`,
      '# TYPE xlink_requests_total counter',
      counted('method="api-key",outcome="accepted",reason="ok",mode="hybrid",route="/orders"', 1),
      counted('method="api-key",outcome="accepted",reason="ok",mode="deprecation",route="/orders"', 1),
      counted('method="xlink",outcome="accepted",reason="ok",mode="hybrid",route="/orders/:id"', 1),
      counted('method="xlink",outcome="accepted",reason="ok",mode="hybrid",route="/orders"', 1),
      counted(
        'method="api-key",outcome="refused",reason="API_KEY_INVALID",mode="hybrid",route="unmatched"',
        1,
      ),
      counted(
        'method="none",outcome="refused",reason="CREDENTIALS_MISSING",mode="hybrid",route="/orders"',
        1,
      ),
      '',
      `# HELP xlink_auth_duration_seconds ${METRICS.duration.help}`,
      '# TYPE xlink_auth_duration_seconds histogram',
      ...histogram('api-key', [1, 1, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3], 0.00404),
      ...histogram('xlink', [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2], 12.03),
      ...histogram('none', [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 0.002),
      '',
      `# HELP xlink_envelopes_total ${METRICS.envelopes.help}`,
      '# TYPE xlink_envelopes_total counter',
      'xlink_envelopes_total{version="2",form="sealed"} 1',
      'xlink_envelopes_total{version="1",form="signed"} 1',
      '',
      `# HELP xlink_observed_envelopes_total ${METRICS.observed.help}`,
      '# TYPE xlink_observed_envelopes_total counter',
      'xlink_observed_envelopes_total{reason="ok"} 1',
      'xlink_observed_envelopes_total{reason="VERIFICATION_FAILED:SIGNATURE_MISMATCH"} 1',
      '',
      `# HELP xlink_downgrades_total ${METRICS.downgrades.help}`,
      '# TYPE xlink_downgrades_total counter',
      'xlink_downgrades_total{refused="false"} 1',
      'xlink_downgrades_total{refused="true"} 2',
      '',
      `# HELP xlink_mode ${METRICS.mode.help}`,
      '# TYPE xlink_mode gauge',
      'xlink_mode{mode="observe"} 0',
      'xlink_mode{mode="hybrid"} 1',
      'xlink_mode{mode="deprecation"} 0',
      'xlink_mode{mode="xlink-only"} 0',
      '',
      `# HELP xlink_adoption_ratio ${METRICS.adoption.help}`,
      '# TYPE xlink_adoption_ratio gauge',
      'xlink_adoption_ratio 0.5',
    ]);
  });

  test('has no ratio before the first accepted request; refusals do not count', async () => {
    const refused = { outcome: 'refused', reason: 'REPLAY_DETECTED' } as const;
    const { register, observe } = observed(byEnvelope(refused), request(refused));
    expect(await textOf(register, METRICS.adoption.name)).toEqual([]);
    observe(byEnvelope());
    expect(await textOf(register, METRICS.adoption.name)).toEqual(['xlink_adoption_ratio 1']);
  });

  test('counts no fault, which the request event of the same refusal covers', async () => {
    const { register, observe } = observed();
    const before = await register.metrics();
    observe({ type: 'fault', error: await thrownBy(() => prometheusMetrics({ maxRoutes: 0 })) });
    expect(await register.metrics()).toBe(before);
  });

  describe('routes', () => {
    const flood = (observe: Observer, from: number, to: number) => {
      for (let i = from; i < to; i++) observe(request({ route: `/r${i}` }));
    };

    test('beyond maxRoutes are counted as other, and those known before stay told apart', async () => {
      const register = new Registry();
      const observe = prometheusMetrics({ register, maxRoutes: 3 });
      flood(observe, 0, 100);
      observe(request({ route: 'unmatched' }));
      observe(request({ route: '/r1' }));
      expect(await routesOf(register)).toEqual(['/r0', '/r1', '/r2', 'other', 'unmatched']);
      const labels = { method: 'api-key', outcome: 'accepted', reason: 'ok', mode: 'hybrid' };
      expect(await sampleOf(register, METRICS.requests.name, { ...labels, route: 'other' })).toBe(97);
      expect(await sampleOf(register, METRICS.requests.name, { ...labels, route: '/r1' })).toBe(2);
    });

    test('are 200 unless told otherwise', async () => {
      const { register, observe } = observed();
      flood(observe, 0, 1000);
      expect(await routesOf(register)).toHaveLength(201);
    });

    test('with quotes, backslashes and line ends are escaped', async () => {
      const { register } = observed(request({ route: '/a"b\\c\nd' }));
      expect((await textOf(register, METRICS.requests.name))[0]).toContain('route="/a\\"b\\\\c\\nd"');
    });
  });

  describe('a registry', () => {
    afterEach(() => globalRegistry.clear());

    test('is the global one of prom-client where none is given', async () => {
      prometheusMetrics()(request());
      expect(await globalRegistry.metrics()).toContain('xlink_requests_total{method="api-key"');
      expect(globalRegistry.getMetricsAsArray().map(({ name }) => name)).toEqual(
        Object.values(METRICS).map(({ name }) => name),
      );
    });

    test('that has the series already is used, by any number of adapters', async () => {
      const register = new Registry();
      const [first, second] = [prometheusMetrics({ register }), prometheusMetrics({ register })];
      first(request());
      second(request());
      second(byEnvelope());
      second(byEnvelope());
      expect(register.getMetricsAsArray()).toHaveLength(Object.keys(METRICS).length);
      const labels = {
        method: 'api-key',
        outcome: 'accepted',
        reason: 'ok',
        mode: 'hybrid',
        route: '/orders',
      };
      expect(await sampleOf(register, METRICS.requests.name, labels)).toBe(2);
      expect(await sampleOf(register, METRICS.adoption.name)).toBe(0.5);
    });

    test('is not touched by what another one counts', async () => {
      const [one, two] = [observed(request()), observed(byEnvelope())];
      expect(await sampleOf(one.register, METRICS.adoption.name)).toBe(0);
      expect(await sampleOf(two.register, METRICS.adoption.name)).toBe(1);
    });

    test('keeps the metrics of the application beside ours', async () => {
      const register = new Registry();
      new Gauge({ name: 'app_up', help: 'of the application', registers: [register] }).set(1);
      prometheusMetrics({ register })(request());
      expect(await register.metrics()).toContain('app_up 1');
    });
  });

  describe('workers of a cluster, added up', () => {
    const aggregated = async (...workers: XlinkEvent[][]) => {
      const registries = workers.map((events) => observed(...events).register);
      const reports = await Promise.all(registries.map((register) => register.getMetricsAsJSON()));
      return AggregatorRegistry.aggregate(reports as never) as Registry;
    };

    test('sum their requests, and agree on the mode', async () => {
      const register = await aggregated(
        [{ type: 'mode', to: 'hybrid' }, request(), request(), byEnvelope()],
        [{ type: 'mode', to: 'hybrid' }, request(), byEnvelope({ durationMs: 40 })],
      );
      const labels = {
        method: 'api-key',
        outcome: 'accepted',
        reason: 'ok',
        mode: 'hybrid',
        route: '/orders',
      };
      expect(await sampleOf(register, METRICS.requests.name, labels)).toBe(3);
      expect(await sampleOf(register, METRICS.envelopes.name, { version: '2', form: 'sealed' })).toBe(2);
      expect(await sampleOf(register, METRICS.mode.name, { mode: 'hybrid' })).toBe(1);
      expect(await sampleOf(register, METRICS.mode.name, { mode: 'observe' })).toBe(0);
      const text = await register.getSingleMetricAsString(METRICS.duration.name);
      expect(text).toContain('xlink_auth_duration_seconds_count{method="xlink"} 2');
      expect(text).toContain('xlink_auth_duration_seconds_bucket{le="0.025",method="xlink"} 1');
    });

    test('show the mean of their ratios', async () => {
      const register = await aggregated([byEnvelope()], [request()], [request()], [byEnvelope()]);
      expect(await sampleOf(register, METRICS.adoption.name)).toBe(0.5);
    });
  });

  test.each([
    ['maxRoutes', 0],
    ['maxRoutes', 10_001],
    ['maxRoutes', 1.5],
    ['adoptionWindowMs', 999],
    ['adoptionWindowMs', 86_400_001],
    ['register', 'default'],
    ['register', null],
    ['registry', new Registry()],
  ])('refuses the option %s: %p', async (name, value) => {
    const error = await thrownBy(() => prometheusMetrics({ [name]: value }));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', name]);
  });
});

describe('the table of metrics', () => {
  test('keeps to the naming rules of Prometheus', () => {
    for (const { name, help } of Object.values(METRICS)) {
      expect(name).toMatch(/^xlink(_[a-z]+)+$/);
      expect(help).toMatch(/^\S.*\.$/);
    }
    const named = (ending: string) =>
      Object.values(METRICS).filter(({ name }) => name.endsWith(ending)).length;
    expect([named('_total'), named('_seconds'), named('_ratio')]).toEqual([4, 1, 1]);
  });
});
