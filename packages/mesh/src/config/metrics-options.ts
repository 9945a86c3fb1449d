import type { MeshMetricsOptions } from '../metrics.js';
import type { CryptoConfig } from './crypto-config.js';

/** Options of `meshMetrics()` by `observability`: what is not `true` there is not kept. */
export const metricsOptionsOf = ({
  observability,
}: CryptoConfig): Pick<MeshMetricsOptions, 'observability'> => ({
  observability,
});
