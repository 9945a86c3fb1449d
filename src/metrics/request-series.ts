import type { RequestEvent } from '../types.js';
import type { AdoptionWindow } from './adoption-window.js';
import { boundedLabel } from './bounded-label.js';
import { countOnce } from './count-once.js';
import { countTraced, observeTraced } from './exemplars.js';
import { reasonLabel } from './label-values.js';
import { METRICS } from './metric-table.js';
import type { Series } from './series.js';
import { sharedState } from './shared-state.js';
import { tallyOf } from './tally.js';

type OnRequest = (event: RequestEvent) => void;

/** Counts requests, how long their authentication took, and their envelopes. */
export function requestSeries(series: Series, adoption: AdoptionWindow, maxRoutes: number): OnRequest {
  const requests = series.counter(METRICS.requests, { exemplars: true });
  const duration = series.histogram(METRICS.duration, { exemplars: true });
  const envelopes = tallyOf(series.counter(METRICS.envelopes));
  const tally = tallyOf(requests);
  const isNew = countOnce(requests);
  const routeLabel = boundedLabel(labelsOf(requests), maxRoutes);

  return (event) => {
    if (!isNew(event)) return;
    const { method, outcome, mode, version, encrypted, durationMs, traceId } = event;
    const route = event.route === UNMATCHED ? UNMATCHED : routeLabel(event.route);
    const reason = reasonLabel(event.reason);
    const labels = () => ({ method, outcome, reason, mode, route });
    if (!countTraced(requests, labels, traceId))
      tally.add(`${method} ${outcome} ${reason} ${mode} ${route}`, labels);
    observeTraced(duration, { method }, durationMs / 1000, traceId);
    if (version !== undefined) {
      const form = encrypted ? 'sealed' : 'signed';
      envelopes.add(`${version} ${form}`, () => ({ version: String(version), form }));
    }
    if (outcome === 'accepted') adoption.count(method === 'xlink');
  };
}

/** Counts requests by client. */
export function clientSeries(series: Series, maxClients: number): OnRequest {
  const requests = series.counter(METRICS.clientRequests);
  const isNew = countOnce(requests);
  const tally = tallyOf(requests);
  const clientLabel = boundedLabel(labelsOf(requests), maxClients);

  return (event) => {
    if (!isNew(event)) return;
    const { method, outcome } = event;
    const client =
      event.client === undefined || event.client === UNKNOWN ? UNKNOWN : clientLabel(event.client);
    tally.add(`${method} ${outcome} ${client}`, () => ({ client, method, outcome }));
  };
}

const UNMATCHED = 'unmatched';
const UNKNOWN = 'unknown';

const labelsOf = (metric: object): Set<string> => sharedState(metric, 'labels', () => new Set<string>());
