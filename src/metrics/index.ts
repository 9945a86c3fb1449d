export { METRICS } from './metric-table.js';
export { type PrometheusOptions, prometheusMetrics } from './prometheus.js';
