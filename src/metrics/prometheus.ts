import {
  Counter,
  Gauge,
  register as globalRegistry,
  Histogram,
  type Metric,
  type Registry,
} from 'prom-client';
import type { Observer, RequestEvent } from '../types.js';
import { MODES } from '../util/modes.js';
import { checkOptions, integerIn, isObject } from '../util/options.js';
import { AdoptionWindow } from './adoption-window.js';
import { METRICS, type MetricRow } from './metric-table.js';

export interface PrometheusOptions {
  /** Registry of prom-client that the series are added to. Default: its global one. */
  readonly register?: Registry;
  /** Different route templates told apart; further ones count as `other`. Default 200. */
  readonly maxRoutes?: number;
  /** Time over which `xlink_adoption_ratio` is taken, in ms. Default five minutes. */
  readonly adoptionWindowMs?: number;
}

const OPTION_CHECKS = {
  register: isObject,
  maxRoutes: integerIn(1, 10_000),
  adoptionWindowMs: integerIn(1000, 86_400_000),
};

/**
 * An observer that keeps Prometheus series about an adapter: pass it in `observers`. Every label has a fixed set of
 * values or a cap, so no caller can grow them. Series that exist in the registry already are used, not made twice.
 */
export function prometheusMetrics(options: PrometheusOptions = {}): Observer {
  checkOptions('prometheusMetrics', options, OPTION_CHECKS);
  const { register = globalRegistry, maxRoutes = 200, adoptionWindowMs = 5 * 60_000 } = options;
  const adoption = windowOf(register, adoptionWindowMs);
  const routes = new Set<string>(['unmatched']);
  const boundedRoute = (route: string): string => {
    if (routes.size <= maxRoutes) routes.add(route);
    return routes.has(route) ? route : 'other';
  };

  const requests = metric(register, METRICS.requests, (config) => new Counter(config));
  const duration = metric(register, METRICS.duration, (config) => new Histogram(config));
  const envelopes = metric(register, METRICS.envelopes, (config) => new Counter(config));
  const observed = metric(register, METRICS.observed, (config) => new Counter(config));
  const downgrades = metric(register, METRICS.downgrades, (config) => new Counter(config));
  const mode = metric(register, METRICS.mode, (config) => new Gauge(config));
  metric(
    register,
    METRICS.adoption,
    (config) =>
      new Gauge({
        ...config,
        collect() {
          const ratio = adoption.ratio();
          if (Number.isNaN(ratio))
            this.remove(); // no sample: an idle worker must not count as one at 0
          else this.set(ratio);
        },
      }),
  );

  const onRequest = ({
    method,
    outcome,
    reason,
    route,
    mode: during,
    version,
    encrypted,
    durationMs,
  }: RequestEvent) => {
    requests.inc({ method, outcome, reason, mode: during, route: boundedRoute(route) });
    duration.observe({ method }, durationMs / 1000);
    if (version !== undefined)
      envelopes.inc({ version: String(version), form: encrypted ? 'sealed' : 'signed' });
    if (outcome === 'accepted') adoption.count(method === 'xlink');
  };
  const onMode = (current: string) => {
    for (const label of MODES) mode.set({ mode: label }, label === current ? 1 : 0);
  };

  return (event) => {
    if (event.type === 'request') onRequest(event);
    else if (event.type === 'observed') observed.inc({ reason: event.reason });
    else if (event.type === 'downgrade') downgrades.inc({ refused: String(event.refused) });
    else if (event.type === 'mode') onMode(event.to);
  };
}

/** One window per registry, so that several adapters share the one gauge there can be. */
const windows = new WeakMap<Registry, AdoptionWindow>();

function windowOf(register: Registry, windowMs: number): AdoptionWindow {
  const window = windows.get(register) ?? new AdoptionWindow(windowMs);
  windows.set(register, window);
  return window;
}

function metric<M extends Metric>(
  register: Registry,
  { name, help, labels, buckets, aggregator }: MetricRow,
  // biome-ignore lint/suspicious/noExplicitAny: the three kinds of series have no common type of options
  create: (config: any) => M,
): M {
  const known = register.getSingleMetric(name) as M | undefined;
  return (
    known ??
    create({ name, help, labelNames: Object.keys(labels), buckets, aggregator, registers: [register] })
  );
}
