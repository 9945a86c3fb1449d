import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Tracer } from '@private.me/xlink';
import { METRICS, prometheusMetrics } from '@private.me/xlink/metrics';
import { type OpenMetricsContentType, Registry } from 'prom-client';
import { sealedRequest, signedRequest, withKey } from '../support/http.js';
import { describeWith } from '../support/needs-program.js';
import { PrometheusServer } from '../support/prometheus-server.js';
import { World } from '../support/world.js';
import { Exporter } from './exporter.js';
import { byEnvelope, observed, request, TRACE } from './support.js';

function openMetrics() {
  const register = new Registry<OpenMetricsContentType>();
  register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return register;
}

const exemplarsIn = (text: string): string[] => text.split('\n').filter((line) => line.includes(' # '));

describe('exemplars', () => {
  test('are what OpenMetrics has them to be: on the counter, and on the bucket the request fell into', async () => {
    const before = Date.now() / 1000;
    const { register } = observed([byEnvelope({ traceId: TRACE, durationMs: 3 }), request()], {
      register: openMetrics(),
    });
    const text = await register.metrics();
    const pinned = exemplarsIn(text).map((line) => /^(\S+) 1 # (\{.*\}) (\S+) (\S+)$/.exec(line)!.slice(1));
    expect(pinned.map(([series, labels, value]) => [series, labels, value])).toEqual([
      [
        'xlink_requests_total{method="xlink",outcome="accepted",reason="ok",mode="hybrid",route="/orders"}',
        `{trace_id="${TRACE}"}`,
        '1',
      ],
      ['xlink_auth_duration_seconds_bucket{le="0.005",method="xlink"}', `{trace_id="${TRACE}"}`, '0.003'],
    ]);
    for (const [, , , time] of pinned) {
      expect(Number(time)).toBeGreaterThanOrEqual(before);
      expect(Number(time)).toBeLessThanOrEqual(Date.now() / 1000);
    }
  });

  test('change no figure: both formats count the same', async () => {
    const events = [
      byEnvelope({ traceId: TRACE, durationMs: 9000 }),
      byEnvelope(),
      request({ traceId: TRACE }),
      request({ outcome: 'refused', reason: 'API_KEY_INVALID' }),
    ];
    const [plain, open] = [observed(events), observed(events, { register: openMetrics() })];
    const bare = (text: string) =>
      text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => line.replace(/ # .*/, ''))
        .sort();
    expect(bare(await open.register.metrics())).toEqual(bare(await plain.register.metrics()));
  });

  test('leave the name of a counter as it is, in its samples; its family goes without _total', async () => {
    const { register } = observed([request({ traceId: TRACE })], { register: openMetrics() });
    for (const round of [1, 2]) {
      const text = await register.metrics();
      expect([round, text]).toEqual([round, expect.stringMatching(/^# TYPE xlink_requests counter$/m)]);
      expect(text).toMatch(/^xlink_requests_total\{/m);
      expect(text).not.toContain('_total_total');
      expect(text.endsWith('# EOF\n')).toBe(true);
    }
  });

  test('are kept until there is a newer one; requests without a trace take none away', async () => {
    const { register, observe } = observed([request({ traceId: TRACE })], { register: openMetrics() });
    observe(request());
    expect(await register.metrics()).toContain(`2 # {trace_id="${TRACE}"}`);
    observe(request({ traceId: 'f'.repeat(32) }));
    const text = await register.metrics();
    expect(text).not.toContain(TRACE);
    expect(exemplarsIn(text)).toHaveLength(2);
  });

  test('are absent in the Prometheus format, which has none, and without any error', async () => {
    const { register } = observed([request({ traceId: TRACE })]);
    const text = await register.metrics();
    expect(exemplarsIn(text)).toEqual([]);
    expect(text).not.toContain(TRACE);
    expect(text).toMatch(/^xlink_requests_total\{.*\} 1$/m);
  });

  test.each(['', 'x'.repeat(121), 'x'.repeat(100_000)])(
    'are left out for a trace id that does not fit, and the request still counts (%#)',
    async (traceId) => {
      const { register } = observed([request({ traceId })], { register: openMetrics() });
      const text = await register.metrics();
      expect(exemplarsIn(text)).toEqual([]);
      expect(text).toMatch(/^xlink_requests_total\{.*\} 1$/m);
      expect(text).toMatch(/^xlink_auth_duration_seconds_count\{.*\} 1$/m);
    },
  );

  test('hold the longest trace id that fits', async () => {
    const traceId = 'x'.repeat(120);
    const { register } = observed([request({ traceId })], { register: openMetrics() });
    expect(exemplarsIn(await register.metrics())).toHaveLength(2);
  });

  test('of a registry whose format changed: counted the way the metric was made', async () => {
    const { register } = observed([request({ traceId: TRACE })]);
    register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    observed([request({ traceId: TRACE })], { register });
    const text = await register.metrics();
    expect(exemplarsIn(text)).toEqual([]);
    expect(text).toMatch(/^xlink_requests_total\{.*\} 2$/m);

    const other = openMetrics();
    observed([request({ traceId: TRACE })], { register: other });
    (other as unknown as Registry).setContentType(Registry.PROMETHEUS_CONTENT_TYPE);
    observed([request({ traceId: TRACE })], { register: other });
    expect(await other.metrics()).toMatch(/^xlink_requests_total\{.*\} 2$/m);
  });
});

describe('what docs/metrics.md says about prom-client', () => {
  test('a registry that was OpenMetrics once has lost _total', async () => {
    const { register } = observed([request()], { register: openMetrics() });
    await register.metrics();
    (register as unknown as Registry).setContentType(Registry.PROMETHEUS_CONTENT_TYPE);
    expect(await register.metrics()).toMatch(/^xlink_requests\{/m);
  });

  test('a single counter in OpenMetrics gets a second _total', async () => {
    const { register } = observed([request()], { register: openMetrics() });
    expect(await register.getSingleMetricAsString(METRICS.requests.name)).toContain(
      'xlink_requests_total_total{',
    );
  });
});

describeWith(['prometheus'], 'exemplars in a real Prometheus', () => {
  const register = openMetrics();
  const exporter = new Exporter(register);
  let prometheus: PrometheusServer;

  beforeAll(async () => {
    prometheus = await PrometheusServer.start({ targets: { api: await exporter.start() } });
  }, 30_000);

  afterAll(async () => {
    await prometheus?.stop();
    await exporter.stop();
  });

  test('lead from a series to the trace of a request that really came in', async () => {
    const known = await World.withCaller();
    let number = 0;
    const traces: string[] = [];
    const tracer: Tracer = {
      trace(_request, run) {
        const traceId = (++number).toString(16).padStart(32, '0');
        traces.push(traceId);
        return run({ traceId, end() {} });
      },
    };
    const service = await known.serve({ tracer, observers: [prometheusMetrics({ register })] });
    for (const sent of [withKey(), await sealedRequest(known), await signedRequest(known), {}])
      await service.send(sent);
    await service.quiet();
    await prometheus.nextScrape('api');

    const requests = await prometheus.queryExemplars(METRICS.requests.name);
    const seen = requests.map(({ labels, series }) => [series['method'], labels['trace_id']]);
    const [key, , signed, none] = traces;
    expect(seen.sort()).toEqual([
      ['api-key', key],
      ['none', none],
      ['xlink', signed],
    ]);
    for (const { series, labels, value } of requests) {
      expect(series['__name__']).toBe('xlink_requests_total');
      expect(Object.keys(labels)).toEqual(['trace_id']);
      expect(value).toBe(1);
    }
    const durations = await prometheus.queryExemplars(`${METRICS.duration.name}_bucket{method="api-key"}`);
    expect(durations.map(({ labels }) => labels['trace_id'])).toEqual([key]);
    expect(durations[0]!.value).toBeGreaterThan(0);
    expect(durations[0]!.value).toBeLessThanOrEqual(Number(durations[0]!.series['le']));
    expect(await prometheus.query('sum(xlink_requests_total)')).toEqual({ '': 4 });
  }, 60_000);
});
