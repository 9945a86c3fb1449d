import type { RequestEvent } from '../types.js';
import type { AdoptionWindow } from './adoption-window.js';
import { boundedLabel } from './bounded-label.js';
import { countOnce } from './count-once.js';
import { countTraced, observeTraced } from './exemplars.js';
import { reasonLabel } from './label-values.js';
import { METRICS } from './metric-table.js';
import type { Series } from './series.js';
import { sharedState } from './shared-state.js';

type OnRequest = (event: RequestEvent) => void;

/** Counts requests, how long their authentication took, and their envelopes. */
export function requestSeries(series: Series, adoption: AdoptionWindow, maxRoutes: number): OnRequest {
  const requests = series.counter(METRICS.requests, { exemplars: true });
  const duration = series.histogram(METRICS.duration, { exemplars: true });
  const envelopes = series.counter(METRICS.envelopes);
  const isNew = countOnce(requests);
  const routeLabel = boundedLabel(labelsOf(requests), maxRoutes);

  return (event) => {
    if (!isNew(event)) return;
    const { method, outcome, mode, version, encrypted, durationMs, traceId } = event;
    const route = event.route === UNMATCHED ? UNMATCHED : routeLabel(event.route);
    countTraced(requests, { method, outcome, reason: reasonLabel(event.reason), mode, route }, traceId);
    observeTraced(duration, { method }, durationMs / 1000, traceId);
    if (version !== undefined)
      envelopes.inc({ version: String(version), form: encrypted ? 'sealed' : 'signed' });
    if (outcome === 'accepted') adoption.count(method === 'xlink');
  };
}

/** Counts requests by client. */
export function clientSeries(series: Series, maxClients: number): OnRequest {
  const requests = series.counter(METRICS.clientRequests);
  const isNew = countOnce(requests);
  const clientLabel = boundedLabel(labelsOf(requests), maxClients);

  return (event) => {
    if (!isNew(event)) return;
    const { client = UNKNOWN, method, outcome } = event;
    requests.inc({ client: client === UNKNOWN ? UNKNOWN : clientLabel(client), method, outcome });
  };
}

const UNMATCHED = 'unmatched';
const UNKNOWN = 'unknown';

const labelsOf = (metric: object): Set<string> => sharedState(metric, 'labels', () => new Set<string>());
