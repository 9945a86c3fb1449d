/** Every series there is: names and units as Prometheus has them, labels in the order they are shown. */
export const METRICS = {
  requests: {
    name: 'xlink_auth_requests_total',
    help: 'Requests by authentication method (xlink, api-key, none), outcome (accepted, refused), reason (ok or an error code), adapter mode and route template.',
    labelNames: ['method', 'outcome', 'reason', 'mode', 'route'] as const,
  },
  duration: {
    name: 'xlink_auth_duration_seconds',
    help: 'Time spent on authenticating a request, by method.',
    labelNames: ['method'] as const,
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
  },
  envelopes: {
    name: 'xlink_envelopes_total',
    help: 'Accepted envelopes by version (1, 2, 3) and form (sealed, signed).',
    labelNames: ['version', 'form'] as const,
  },
  observed: {
    name: 'xlink_observed_envelopes_total',
    help: 'Envelopes that came beside an API key in observe mode, by the verdict that was not enforced.',
    labelNames: ['reason'] as const,
  },
  downgrades: {
    name: 'xlink_downgrades_total',
    help: 'Requests by key of clients that work on xLink already, by whether they were refused (onDowngrade).',
    labelNames: ['refused'] as const,
  },
  mode: {
    name: 'xlink_mode',
    help: '1 for the mode the adapter is in, 0 for the others.',
    labelNames: ['mode'] as const,
    aggregator: 'max' as const,
  },
  adoption: {
    name: 'xlink_adoption_ratio',
    help: 'Share of xLink among the accepted requests of the last minutes, 0 to 1; absent when there were none.',
    aggregator: 'average' as const,
  },
};
