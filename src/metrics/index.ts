export { METRICS, type MetricRow } from './metric-table.js';
export type { PrometheusOptions } from './options.js';
export { prometheusMetrics } from './prometheus.js';
