import type { AdviceEvent, OpenEvent, RequestEvent, XlinkEvent } from '@private.me/xlink';
import { METRICS, type PrometheusOptions, prometheusMetrics } from '@private.me/xlink/metrics';
import { Registry } from 'prom-client';

/** A request with a good key, unless said otherwise. */
export const request = (part: Partial<RequestEvent> = {}): RequestEvent => ({
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

/** A request with a good key that stays open, unless said otherwise. */
export const open = (part: Partial<OpenEvent> = {}): OpenEvent => ({
  type: 'open',
  number: 1,
  mode: 'hybrid',
  method: 'api-key',
  outcome: 'accepted',
  reason: 'ok',
  ...part,
});

/** A request with a good envelope, unless said otherwise. */
export const byEnvelope = (part: Partial<RequestEvent> = {}): RequestEvent =>
  request({ method: 'xlink', version: 2, encrypted: true, ...part });

export const NO_CLIENTS: AdviceEvent['clients'] = {
  'not-enrolled': 0,
  'never-used-xlink': 0,
  failing: 0,
  'not-recent': 0,
  'key-in-use': 0,
  'key-switched-off': 0,
  moved: 0,
  revoked: 0,
};

/** What a plan says whose next step is closed, unless said otherwise. */
export const advice = (part: Partial<AdviceEvent> = {}): AdviceEvent => ({
  type: 'advice',
  mode: 'hybrid',
  next: 'deprecation',
  direction: 'forward',
  ready: false,
  blockers: 2,
  clients: NO_CLIENTS,
  ...part,
});

export const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** A registry, and an observer on it that was told of some events. */
export function observed(events: readonly XlinkEvent[] = [], options: PrometheusOptions = {}) {
  const register = options.register ?? new Registry();
  const observe = prometheusMetrics({ ...options, register });
  for (const event of events) observe(event);
  return { register, observe };
}

/** The lines of one metric, without its name. Not for counters in OpenMetrics. */
export const linesOf = async (register: AnyRegistry, name: string): Promise<string[]> =>
  (await register.getSingleMetricAsString(name))
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.slice(name.length));

/** The different values of one label. */
export async function valuesOf(register: AnyRegistry, name: string, label: string): Promise<unknown[]> {
  const { values } = await register.getSingleMetric(name)!.get();
  return [...new Set(values.map(({ labels }) => labels[label]))];
}

export const routesOf = (register: AnyRegistry): Promise<unknown[]> =>
  valuesOf(register, METRICS.requests.name, 'route');

type AnyRegistry = NonNullable<PrometheusOptions['register']>;
