export { METRICS, type MetricRow } from './metrics/metric-table.js';
export type { PrometheusOptions } from './metrics/options.js';
export { prometheusMetrics } from './metrics/prometheus.js';
