import {
  Counter,
  Gauge,
  register as globalRegister,
  Histogram,
  type Registry,
  type RegistryContentType,
} from 'prom-client';
import type { BridgeEvent, BridgeObserver } from './bridge/events.js';
import type { Xfuse } from './bridge/xfuse.js';
import { checkNames, checkValue, hasMethods, invalidOption } from './util/options.js';

/** Options of {@link bridgeMetrics}. */
export interface BridgeMetricsOptions {
  /** Registry of prom-client. Default: its global one. */
  readonly register?: Registry<RegistryContentType>;
  /** Put in front of every name. Default nothing. */
  readonly prefix?: string;
}

/** The series. None has a caller, a path or a value of an answer as a label. */
export const XFUSE_METRICS = [
  {
    name: 'xfuse_requests_total',
    kind: 'counter',
    help: 'Requests by who answered them and how.',
    labels: ['side', 'outcome', 'fell_back'],
  },
  {
    name: 'xfuse_request_seconds',
    kind: 'histogram',
    help: 'Time to the head of the answer.',
    labels: ['side'],
  },
  {
    name: 'xfuse_compared_total',
    kind: 'counter',
    help: 'Mirrored requests by what came of them.',
    labels: ['outcome', 'reason'],
  },
  {
    name: 'xfuse_modern_by_key_total',
    kind: 'counter',
    help: 'Calls of the modern side that went by key.',
    labels: [],
  },
  {
    name: 'xfuse_step_backs_total',
    kind: 'counter',
    help: 'Times that the bridge stepped back by itself.',
    labels: [],
  },
  {
    name: 'xfuse_traffic_ratio',
    kind: 'gauge',
    help: 'Share of callers on the modern side, 0 to 1.',
    labels: [],
  },
  {
    name: 'xfuse_error_budget_used',
    kind: 'gauge',
    help: 'Error budget used in the window; above 1 the bridge steps back.',
    labels: [],
  },
  { name: 'xfuse_mirrors_running', kind: 'gauge', help: 'Mirrored requests under way.', labels: [] },
] as const;

/** Measures a bridge for Prometheus. Throws `INVALID_OPTION` where a name is taken. */
export function bridgeMetrics(bridge: Xfuse, options: BridgeMetricsOptions = {}): void {
  const owner = 'bridgeMetrics';
  checkNames(owner, options, ['register', 'prefix']);
  const { register = globalRegister, prefix = '' } = options;
  checkValue(
    owner,
    'register',
    options.register,
    hasMethods('getSingleMetric', 'registerMetric'),
    'a Registry',
  );
  checkValue(
    owner,
    'prefix',
    prefix,
    (text) => /^([a-zA-Z_:][\w:]*)?$/.test(text),
    'letters, digits, _ and :',
  );
  const taken = XFUSE_METRICS.find(({ name }) => register.getSingleMetric(prefix + name));
  if (taken)
    throw invalidOption('register', `${owner}: the registry has a metric ${prefix}${taken.name} already.`);
  const of = (name: (typeof XFUSE_METRICS)[number]['name']) => {
    const { help, labels } = XFUSE_METRICS.find((one) => one.name === name)!;
    return { name: prefix + name, help, labelNames: [...labels], registers: [register as Registry] };
  };
  const gauge = (name: Parameters<typeof of>[0], read: () => number) =>
    new Gauge({
      ...of(name),
      collect() {
        this.set(read());
      },
    });
  const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const requests = new Counter(of('xfuse_requests_total'));
  const seconds = new Histogram({ ...of('xfuse_request_seconds'), buckets });
  const compared = new Counter(of('xfuse_compared_total'));
  const byKey = new Counter(of('xfuse_modern_by_key_total'));
  const stepBacks = new Counter(of('xfuse_step_backs_total'));
  gauge('xfuse_traffic_ratio', () => bridge.status().ratio);
  gauge('xfuse_error_budget_used', () => bridge.status().budgetUsed ?? 0);
  gauge('xfuse_mirrors_running', () => bridge.status().mirrors);
  const observer: BridgeObserver = (event: BridgeEvent) => {
    if (event.type === 'request') {
      requests.inc({ side: event.side, outcome: event.outcome, fell_back: String(event.fellBack) });
      seconds.observe({ side: event.side }, event.ms / 1000);
    } else if (event.type === 'compared')
      compared.inc({ outcome: event.comparison.outcome, reason: event.comparison.reason ?? '' });
    else if (event.type === 'key-used') byKey.inc();
    else if (event.by === 'budget') stepBacks.inc();
  };
  bridge.observe(observer);
}
