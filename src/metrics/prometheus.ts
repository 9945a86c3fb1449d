import { register as globalRegistry } from 'prom-client';
import type { DowngradeEvent, ObservedEvent, Observer } from '../types/events.js';
import { adoptionSeries } from './adoption-series.js';
import { auditSeries } from './audit-series.js';
import { countOnce } from './count-once.js';
import { keyEpochSeries } from './key-epoch-series.js';
import { reasonLabel } from './label-values.js';
import { METRICS, type MetricRow } from './metric-table.js';
import { adviceSeries, modeSeries } from './migration-series.js';
import { openSeries } from './open-series.js';
import { checkPrometheusOptions, DEFAULTS, type PrometheusOptions } from './options.js';
import { clientSeries, requestSeries } from './request-series.js';
import { type AnyRegistry, Series } from './series.js';
import { sessionRefusalSeries, sessionSeries } from './session-series.js';

/**
 * An observer that keeps Prometheus series about an adapter: pass it in `observers`. Every label has a fixed set of
 * values or a cap, so no caller can grow them. Series that exist in the registry already are used, not made twice, and
 * an event is counted once however many observers on the registry are told of it. Throws `INVALID_OPTION`, also for a
 * registry that has something else under one of the names.
 */
export function prometheusMetrics(options: PrometheusOptions = {}): Observer {
  checkPrometheusOptions(options);
  const {
    register = globalRegistry as AnyRegistry,
    prefix = DEFAULTS.prefix,
    maxRoutes = DEFAULTS.maxRoutes,
    maxClients = DEFAULTS.maxClients,
    adoptionWindowMs = DEFAULTS.adoptionWindowMs,
  } = options;
  const series = new Series(register, prefix, rowsFor(maxClients));

  const adoption = adoptionSeries(series, adoptionWindowMs);
  const onRequest = requestSeries(series, adoption, maxRoutes);
  const onClient = maxClients > 0 ? clientSeries(series, maxClients) : () => {};
  const onOpen = openSeries(series, adoption);
  const onObserved = observedSeries(series);
  const onDowngrade = downgradeSeries(series);
  const onMode = modeSeries(series);
  const onAdvice = adviceSeries(series);
  const onKeyEpoch = keyEpochSeries(series);
  const onSession = sessionSeries(series);
  const onSessionRefusal = sessionRefusalSeries(series);
  const onFault = auditSeries(series);

  return (event) => {
    if (event.type === 'request' || event.type === 'open') {
      onOpen(event);
      onClient(event);
      if (event.type !== 'request') return;
      onRequest(event);
      onSessionRefusal(event);
    } else if (event.type === 'observed') onObserved(event);
    else if (event.type === 'downgrade') onDowngrade(event);
    else if (event.type === 'mode') onMode(event);
    else if (event.type === 'advice') onAdvice(event);
    else if (event.type === 'key-epoch') onKeyEpoch(event);
    else if (event.type === 'session') onSession(event);
    else if (event.type === 'session-refusal') onSessionRefusal(event);
    else if (event.type === 'fault') onFault(event);
  };
}

const rowsFor = (maxClients: number): MetricRow[] =>
  Object.values(METRICS).filter((row) => maxClients > 0 || row !== METRICS.clientRequests);

function observedSeries(series: Series) {
  const observed = series.counter(METRICS.observed);
  const isNew = countOnce(observed);
  return (event: ObservedEvent) => {
    if (isNew(event)) observed.inc({ reason: reasonLabel(event.reason) });
  };
}

function downgradeSeries(series: Series) {
  const downgrades = series.counter(METRICS.downgrades);
  const isNew = countOnce(downgrades);
  return (event: DowngradeEvent) => {
    if (isNew(event)) downgrades.inc({ refused: String(event.refused) });
  };
}
