/** One series: its name and unit as Prometheus has them, its labels in the order they are shown. */
export interface MetricRow {
  /** Name of the series, without the option `prefix`. */
  readonly name: string;
  /** Type, as Prometheus has it. */
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What is counted, in one sentence. */
  readonly help: string;
  /** Each label, and the values it takes. */
  readonly labels: Readonly<Record<string, string>>;
  /** Upper bounds of a histogram, in the unit of its name. */
  readonly buckets?: readonly number[];
  /** How a gauge is put together from the workers of a cluster; counters and histograms are summed. */
  readonly aggregator?: 'sum' | 'max' | 'min' | 'average';
  /** A query that answers the question the series is there for. */
  readonly example: string;
}

const METHOD = 'xlink, api-key, none';
const OUTCOME = 'accepted, refused';
const MODE = 'observe, hybrid, deprecation, xlink-only';
const REASON = 'ok, or the id of the error (docs/errors.md)';

/** Every series there is. docs/metrics.md, the dashboards and the rules are made from this table. */
export const METRICS = {
  requests: {
    name: 'xlink_requests_total',
    type: 'counter',
    help: 'Requests by the way they were authenticated, counted when they are over.',
    labels: {
      method: METHOD,
      outcome: OUTCOME,
      reason: REASON,
      mode: MODE,
      route: 'route template; unmatched without one, other beyond maxRoutes',
    },
    example: 'sum by (method) (rate(xlink_requests_total{outcome="accepted"}[5m]))',
  },
  openRequests: {
    name: 'xlink_open_requests',
    type: 'gauge',
    help: 'Accepted requests that have been open for a second or longer, such as event streams and WebSockets; absent before the first.',
    labels: { method: 'xlink, api-key' },
    aggregator: 'sum',
    example: 'sum(xlink_open_requests{method="api-key"})',
  },
  duration: {
    name: 'xlink_auth_duration_seconds',
    type: 'histogram',
    help: 'Time spent on authenticating a request.',
    labels: { method: METHOD },
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
    example: 'histogram_quantile(0.95, sum by (le, method) (rate(xlink_auth_duration_seconds_bucket[5m])))',
  },
  envelopes: {
    name: 'xlink_envelopes_total',
    type: 'counter',
    help: 'Accepted envelopes, requests in sessions, and requests that were signed by RFC 9421 (form signature).',
    labels: { version: '1, 2, 3', form: 'sealed, signed, signature, session' },
    example: 'sum by (version) (rate(xlink_envelopes_total[5m]))',
  },
  sessions: {
    name: 'xlink_sessions_total',
    type: 'counter',
    help: 'Sessions that callers opened, by the version of the envelope that opened them.',
    labels: { version: '2, 3' },
    example: 'sum(rate(xlink_sessions_total[5m]))',
  },
  sessionsActive: {
    name: 'xlink_sessions_active',
    type: 'gauge',
    help: 'Sessions that were opened at this process and are not over, to the minute; absent before the first.',
    labels: {},
    aggregator: 'sum',
    example: 'sum(xlink_sessions_active)',
  },
  sessionRefusals: {
    name: 'xlink_session_refusals_total',
    type: 'counter',
    help: 'What was refused of sessions: at=handshake, callers that asked for one; at=request, requests in one. Both are in xlink_requests_total, too.',
    labels: { at: 'handshake, request', reason: 'the id of the error (docs/errors.md)' },
    example: 'sum by (at, reason) (increase(xlink_session_refusals_total[1h]))',
  },
  observed: {
    name: 'xlink_observed_envelopes_total',
    type: 'counter',
    help: 'Envelopes that came beside an API key in observe mode, by the verdict that was not enforced.',
    labels: { reason: REASON },
    example: 'sum by (reason) (increase(xlink_observed_envelopes_total{reason!="ok"}[1d]))',
  },
  downgrades: {
    name: 'xlink_downgrades_total',
    type: 'counter',
    help: 'Requests by key of clients that work on xLink already.',
    labels: { refused: 'true, false (onDowngrade)' },
    example: 'sum(increase(xlink_downgrades_total[1h]))',
  },
  clientRequests: {
    name: 'xlink_client_requests_total',
    type: 'counter',
    help: 'Requests by client; only with maxClients.',
    labels: {
      client: "the validator's id of the client; other beyond maxClients, unknown where it was not verified",
      method: METHOD,
      outcome: OUTCOME,
    },
    example:
      'topk(10, sum by (client) (increase(xlink_client_requests_total{method="api-key",outcome="accepted"}[1d])))',
  },
  mode: {
    name: 'xlink_mode',
    type: 'gauge',
    help: '1 for the mode the adapter is in, 0 for the others.',
    labels: { mode: MODE },
    aggregator: 'max',
    example: 'xlink_mode == 1',
  },
  sunset: {
    name: 'xlink_sunset_timestamp_seconds',
    type: 'gauge',
    help: 'When keys stop working as announced (deprecation.sunset), in Unix time; absent if nothing was announced.',
    labels: {},
    aggregator: 'max',
    example: '(xlink_sunset_timestamp_seconds - time()) / 86400',
  },
  adoption: {
    name: 'xlink_adoption_ratio',
    type: 'gauge',
    help: 'Share of xLink among the accepted requests of the last minutes, 0 to 1; absent when there were none.',
    labels: {},
    aggregator: 'average',
    example: 'xlink_adoption_ratio',
  },
  adoptionPct: {
    name: 'xlink_adoption_pct',
    type: 'gauge',
    help: 'The same in percent, 0 to 100, for dashboards that expect percent.',
    labels: {},
    aggregator: 'average',
    example: 'xlink_adoption_pct',
  },
  clients: {
    name: 'xlink_clients',
    type: 'gauge',
    help: 'Clients by how far they are; set whenever a MigrationPlan evaluates.',
    labels: {
      state:
        'not-enrolled, never-used-xlink, failing, not-recent, key-in-use, key-switched-off, moved, revoked',
    },
    aggregator: 'max',
    example: 'sum(xlink_clients{state!~"moved|key-switched-off|revoked"})',
  },
  nextGate: {
    name: 'xlink_next_gate_open',
    type: 'gauge',
    help: '1 if nothing is in the way of the step that a MigrationPlan wants to take, else 0; absent without a next step.',
    labels: { to: MODE, direction: 'forward, back' },
    aggregator: 'max',
    example: 'xlink_next_gate_open{direction="back"} == 1',
  },
  gateBlockers: {
    name: 'xlink_next_gate_blockers',
    type: 'gauge',
    help: 'How many things are in the way of that step.',
    labels: {},
    aggregator: 'max',
    example: 'xlink_next_gate_blockers',
  },
  keyEpochAge: {
    name: 'xlink_key_epoch_age_seconds',
    type: 'gauge',
    help: 'How long the present encryption keys have been the published ones; only with a keyStore.',
    labels: {},
    aggregator: 'max',
    example: 'max(xlink_key_epoch_age_seconds) / 86400',
  },
  keyEpochRotation: {
    name: 'xlink_key_epoch_rotation_seconds',
    type: 'gauge',
    help: 'How long it is until the next encryption keys take their place; negative: the rotation is overdue. Only with a keyStore.',
    labels: {},
    aggregator: 'min',
    example: 'min(xlink_key_epoch_rotation_seconds) < -3600',
  },
  auditFaults: {
    name: 'xlink_audit_faults_total',
    type: 'counter',
    help: 'Entries of the audit log that could not be kept, or its checkpoint could not; only with an audit log.',
    labels: { reason: 'the id of the error: AUDIT_UNAVAILABLE and others' },
    example: 'sum by (reason) (increase(xlink_audit_faults_total[10m]))',
  },
} as const satisfies Record<string, MetricRow>;
