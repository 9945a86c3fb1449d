import { describe, expect, test } from '@jest/globals';
import type { XlinkEvent } from '@private.me/xlink';
import { METRICS, prometheusMetrics } from '@private.me/xlink/metrics';
import { CLIENT_STATES, DIRECTIONS, FORMS, METHODS, OUTCOMES } from '../../src/metrics/label-values.js';
import type { MetricRow } from '../../src/metrics/metric-table.js';
import { MODES } from '../../src/types/mode.js';
import { thrownBy } from '../support/results.js';
import {
  advice,
  byEnvelope,
  linesOf,
  NO_CLIENTS,
  observed,
  open,
  request,
  routesOf,
  valuesOf,
} from './support.js';

const REFUSED = { outcome: 'refused', reason: 'REPLAY_DETECTED' } as const;
/** 2100-01-01 */
const SUNSET = 4_102_444_800_000;

describe('prometheusMetrics', () => {
  test('writes exactly this', async () => {
    const { register } = observed(
      [
        { type: 'mode', to: 'observe' },
        { type: 'mode', from: 'observe', to: 'hybrid', reason: 'start', sunset: SUNSET },
        request({ client: 'acme' }),
        request({ durationMs: 0.04, mode: 'deprecation', client: 'acme' }),
        byEnvelope({ durationMs: 30, route: '/orders/:id', client: 'acme' }),
        byEnvelope({ version: 1, encrypted: false, durationMs: 12_000, client: 'bolt' }),
        request({ outcome: 'refused', reason: 'API_KEY_INVALID', status: 401, route: 'unmatched' }),
        request({ method: 'none', outcome: 'refused', reason: 'CREDENTIALS_MISSING', status: 401 }),
        open({ number: 6, method: 'xlink', client: 'acme' }),
        open({ number: 7, client: 'acme' }),
        open({ number: 8, client: 'acme' }),
        request({ opened: 8, client: 'acme' }),
        { type: 'observed', reason: 'ok', version: 2 },
        { type: 'observed', reason: 'VERIFICATION_FAILED:SIGNATURE_MISMATCH' },
        { type: 'downgrade', client: 'acme', refused: false },
        { type: 'downgrade', client: 'acme', refused: true },
        { type: 'downgrade', client: 'acme', refused: true },
        advice({ clients: { ...NO_CLIENTS, failing: 3, moved: 9 } }),
        { type: 'key-epoch', keyEpoch: 7, since: Date.now() - 90_000, rotatesAt: Date.now() + 30_000 },
        { type: 'session', did: 'did:key:z', version: 2, notAfter: Date.now() + 600_000 },
        { type: 'session', did: 'did:key:z', version: 2, notAfter: Date.now() - 120_000 },
        { type: 'session-refusal', reason: 'SESSION_LIMIT' },
      ],
      { maxClients: 5 },
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
    const expected: Record<keyof typeof METRICS, string[]> = {
      requests: [
        counted('method="api-key",outcome="accepted",reason="ok",mode="hybrid",route="/orders"', 2),
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
      ],
      openRequests: ['xlink_open_requests{method="xlink"} 1', 'xlink_open_requests{method="api-key"} 1'],
      duration: [
        ...histogram('api-key', [1, 1, 1, 1, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4], 0.00604),
        ...histogram('xlink', [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2], 12.03),
        ...histogram('none', [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 0.002),
      ],
      envelopes: [
        'xlink_envelopes_total{version="2",form="sealed"} 1',
        'xlink_envelopes_total{version="1",form="signed"} 1',
      ],
      auditFaults: [],
      sessionRefusals: ['xlink_session_refusals_total{at="handshake",reason="SESSION_LIMIT"} 1'],
      observed: [
        'xlink_observed_envelopes_total{reason="ok"} 1',
        'xlink_observed_envelopes_total{reason="VERIFICATION_FAILED:SIGNATURE_MISMATCH"} 1',
      ],
      downgrades: ['xlink_downgrades_total{refused="false"} 1', 'xlink_downgrades_total{refused="true"} 2'],
      clientRequests: [
        'xlink_client_requests_total{client="acme",method="api-key",outcome="accepted"} 4',
        'xlink_client_requests_total{client="acme",method="xlink",outcome="accepted"} 2',
        'xlink_client_requests_total{client="bolt",method="xlink",outcome="accepted"} 1',
        'xlink_client_requests_total{client="unknown",method="api-key",outcome="refused"} 1',
        'xlink_client_requests_total{client="unknown",method="none",outcome="refused"} 1',
      ],
      mode: [
        'xlink_mode{mode="observe"} 0',
        'xlink_mode{mode="hybrid"} 1',
        'xlink_mode{mode="deprecation"} 0',
        'xlink_mode{mode="xlink-only"} 0',
      ],
      sunset: ['xlink_sunset_timestamp_seconds 4102444800'],
      adoption: [`xlink_adoption_ratio ${3 / 7}`],
      adoptionPct: [`xlink_adoption_pct ${(100 * 3) / 7}`],
      clients: [
        'xlink_clients{state="not-enrolled"} 0',
        'xlink_clients{state="never-used-xlink"} 0',
        'xlink_clients{state="failing"} 3',
        'xlink_clients{state="not-recent"} 0',
        'xlink_clients{state="key-in-use"} 0',
        'xlink_clients{state="key-switched-off"} 0',
        'xlink_clients{state="moved"} 9',
        'xlink_clients{state="revoked"} 0',
      ],
      nextGate: ['xlink_next_gate_open{to="deprecation",direction="forward"} 0'],
      gateBlockers: ['xlink_next_gate_blockers 2'],
      sessions: ['xlink_sessions_total{version="2"} 2'],
      sessionsActive: ['xlink_sessions_active 1'],
      keyEpochAge: ['xlink_key_epoch_age_seconds 90'],
      keyEpochRotation: ['xlink_key_epoch_rotation_seconds 30'],
    };
    const wanted = Object.entries(expected).map(([key, lines]) => {
      const { name, help, type } = METRICS[key as keyof typeof METRICS];
      return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join('\n');
    });
    // The age grows with the time that this test takes.
    const whole = (text: string) =>
      text.replace(
        /^(xlink_key_epoch_\w+) ([\d.]+)$/gm,
        (_, name, value) => `${name} ${Math.round(Number(value))}`,
      );
    const written = whole(await register.metrics())
      .trimEnd()
      .split('\n\n');
    expect(written.sort()).toEqual(wanted.sort());
  });

  test('shows nothing but the mode at first', async () => {
    const { register } = observed([{ type: 'mode', to: 'hybrid' }], { maxClients: 5 });
    const samples = (await register.metrics()).split('\n').filter((line) => line && !line.startsWith('#'));
    expect(samples.map((line) => line.split('{')[0])).toEqual(Array(4).fill('xlink_mode'));
  });

  test('has no ratio before the first accepted request; refusals do not count', async () => {
    const { register, observe } = observed([byEnvelope(REFUSED), request(REFUSED)]);
    const shares = async () => [
      ...(await linesOf(register, METRICS.adoption.name)),
      ...(await linesOf(register, METRICS.adoptionPct.name)),
    ];
    expect(await shares()).toEqual([]);
    observe(byEnvelope());
    expect(await shares()).toEqual([' 1', ' 100']);
    for (let i = 0; i < 3; i++) observe(request());
    expect(await shares()).toEqual([' 0.25', ' 25']);
  });

  test('counts no fault, enrollment or key switch: they are not requests', async () => {
    const { register, observe } = observed();
    const before = await register.metrics();
    observe({ type: 'fault', error: await thrownBy(() => prometheusMetrics({ maxRoutes: 0 })) });
    observe({ type: 'enrollment', client: 'acme', did: 'did:key:z6Mk' });
    observe({ type: 'key-switch', client: 'acme', off: true });
    expect(await register.metrics()).toBe(before);
  });

  test('takes a reason that is of no table for INTERNAL', async () => {
    const strange: XlinkEvent[] = [
      request({ outcome: 'refused', reason: 'MADE_UP' }),
      request({ outcome: 'refused', reason: 'toString' }),
      { type: 'observed', reason: 'MADE_UP_TOO' },
    ];
    const { register } = observed(strange);
    for (const { name } of [METRICS.requests, METRICS.observed])
      expect(await valuesOf(register, name, 'reason')).toEqual(['INTERNAL']);
  });

  describe('routes', () => {
    const flood = (observe: (event: XlinkEvent) => void, from: number, to: number) => {
      for (let i = from; i < to; i++) observe(request({ route: `/r${i}` }));
    };
    const HYBRID = 'method="api-key",outcome="accepted",reason="ok",mode="hybrid"';

    test('beyond maxRoutes are counted as other, and those known before stay told apart', async () => {
      const { register, observe } = observed([], { maxRoutes: 3 });
      flood(observe, 0, 100);
      observe(request({ route: 'unmatched' }));
      observe(request({ route: '/r1' }));
      expect(await routesOf(register)).toEqual(['/r0', '/r1', '/r2', 'other', 'unmatched']);
      const lines = await linesOf(register, METRICS.requests.name);
      expect(lines).toContain(`{${HYBRID},route="other"} 97`);
      expect(lines).toContain(`{${HYBRID},route="/r1"} 2`);
    });

    test('are 200 unless told otherwise, whenever unmatched and other come', async () => {
      const { register, observe } = observed([request({ route: 'unmatched' })]);
      flood(observe, 0, 1000);
      expect(await routesOf(register)).toHaveLength(202);
    });
  });

  describe('clients', () => {
    const clientsOf = (register: ReturnType<typeof observed>['register']) =>
      valuesOf(register, METRICS.clientRequests.name, 'client');

    test('have no series and no name in the text unless maxClients is set', async () => {
      for (const options of [{}, { maxClients: 0 }]) {
        const { register } = observed([request({ client: 'acme' })], options);
        expect(await register.metrics()).not.toMatch(/xlink_client_requests|acme/);
        expect(register.getMetricsAsArray()).toHaveLength(Object.keys(METRICS).length - 1);
      }
    });

    test('beyond maxClients are counted as other; nobody is unknown', async () => {
      const { register, observe } = observed([], { maxClients: 2 });
      observe(request(REFUSED));
      for (let i = 0; i < 50; i++) observe(byEnvelope({ client: `c${i}` }));
      observe(request({ client: 'c1' }));
      expect(await clientsOf(register)).toEqual(['unknown', 'c0', 'c1', 'other']);
      expect(await linesOf(register, METRICS.clientRequests.name)).toEqual([
        '{client="unknown",method="api-key",outcome="refused"} 1',
        '{client="c0",method="xlink",outcome="accepted"} 1',
        '{client="c1",method="xlink",outcome="accepted"} 1',
        '{client="other",method="xlink",outcome="accepted"} 48',
        '{client="c1",method="api-key",outcome="accepted"} 1',
      ]);
    });
  });

  test.each([
    ['maxRoutes', 0],
    ['maxRoutes', 10_001],
    ['maxRoutes', 1.5],
    ['maxClients', -1],
    ['maxClients', 10_001],
    ['maxClients', '10'],
    ['adoptionWindowMs', 999],
    ['adoptionWindowMs', 86_400_001],
    ['prefix', '1st_'],
    ['prefix', 'my-'],
    ['prefix', 'my_\n'],
    ['prefix', 7],
    ['register', 'default'],
    ['register', null],
    ['register', {}],
    ['registry', {}],
  ])('refuses the option %s: %p', async (name, value) => {
    const error = await thrownBy(() => prometheusMetrics({ [name]: value }));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', name]);
  });
});

describe('the table of metrics', () => {
  const rows: MetricRow[] = Object.values(METRICS);

  test('keeps to the naming rules of Prometheus', () => {
    for (const { name, help, type, buckets } of rows) {
      expect(name).toMatch(/^xlink(_[a-z]+)+$/);
      expect(help).toMatch(/^\S.*\.$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(buckets !== undefined).toBe(type === 'histogram');
    }
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  });

  test('says how every gauge is put together in a cluster', () => {
    for (const { type, aggregator } of rows) expect(aggregator !== undefined).toBe(type === 'gauge');
  });

  test('shows a query about the metric itself', () => {
    for (const { name, example } of rows) expect(example).toContain(name);
  });

  test('names the values that labels take', () => {
    const { requests, envelopes, mode, clients, nextGate } = METRICS;
    expect(requests.labels.method).toBe(METHODS.join(', '));
    expect(requests.labels.outcome).toBe(OUTCOMES.join(', '));
    expect(envelopes.labels.form).toBe(FORMS.join(', '));
    expect(mode.labels.mode).toBe(MODES.join(', '));
    expect(clients.labels.state).toBe(CLIENT_STATES.join(', '));
    expect(nextGate.labels.direction).toBe(DIRECTIONS.join(', '));
  });
});
