import { checkOptions, hasMethods, integerIn, type OptionCheck } from '../util/options.js';
import type { AnyRegistry } from './series.js';

/** Options of the Prometheus observer. */
export interface PrometheusOptions {
  /**
   * Registry of prom-client that the series are added to. Default: its global one. With one in the OpenMetrics format
   * `xlink_requests_total` and `xlink_auth_duration_seconds` carry the trace of a request as an exemplar.
   */
  readonly register?: AnyRegistry;
  /** Put in front of every name as it is, such as `shop_`. Default: nothing. Dashboards and rules need the same one. */
  readonly prefix?: string;
  /** Different route templates told apart, 1 to 10,000; further ones count as `other`. Default 200. */
  readonly maxRoutes?: number;
  /**
   * Different clients told apart in `xlink_client_requests_total`, up to 10,000; further ones count as `other`. Default
   * 0: no series by client at all. The names of clients are then readable for everyone who may read the metrics.
   */
  readonly maxClients?: number;
  /** Time over which `xlink_adoption_ratio` is taken, in ms, from a second to a day. Default five minutes. */
  readonly adoptionWindowMs?: number;
}

/** What an option is where none is given. */
export const DEFAULTS = { prefix: '', maxRoutes: 200, maxClients: 0, adoptionWindowMs: 5 * 60_000 };

const isPrefix: OptionCheck = (value) =>
  typeof value === 'string' && (value === '' || /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(value))
    ? undefined
    : 'letters, digits, _ and :, not beginning with a digit';

/** Throws `INVALID_OPTION`. */
export const checkPrometheusOptions = (options: PrometheusOptions): void =>
  checkOptions('prometheusMetrics', options, {
    register: hasMethods('getSingleMetric', 'registerMetric'),
    prefix: isPrefix,
    maxRoutes: integerIn(1, 10_000),
    maxClients: integerIn(0, 10_000),
    adoptionWindowMs: integerIn(1000, 86_400_000),
  });
