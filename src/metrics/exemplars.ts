import type { Counter, Histogram } from 'prom-client';

type Labels = Record<string, string>;

/** OpenMetrics allows 128 characters for all labels of an exemplar, names included; prom-client throws beyond that. */
const MAX_TRACE_ID = 128 - 'trace_id'.length;

/** Adds one, and pins the trace to it where the metric can carry exemplars. */
export function countTraced(counter: Counter, labels: Labels, traceId: string | undefined): void {
  if (carriesExemplars(counter)) counter.inc({ labels, ...exemplarOf(traceId) });
  else counter.inc(labels);
}

/** Observes a value, and pins the trace to it where the metric can carry exemplars. */
export function observeTraced(
  histogram: Histogram,
  labels: Labels,
  value: number,
  traceId: string | undefined,
): void {
  if (carriesExemplars(histogram)) histogram.observe({ labels, value, ...exemplarOf(traceId) });
  else histogram.observe(labels, value);
}

/** With exemplars `inc` and `observe` take other arguments. Asked of the metric, not of the registry, whose format may have changed since. */
const carriesExemplars = (metric: object): boolean =>
  (metric as { enableExemplars?: boolean }).enableExemplars === true;

const exemplarOf = (traceId = '') =>
  traceId !== '' && traceId.length <= MAX_TRACE_ID ? { exemplarLabels: { trace_id: traceId } } : {};
