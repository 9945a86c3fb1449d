import { UNMATCHED } from '../adapters/clients/cutover-report.js';
import type { OpenEvent, RequestEvent } from '../types/events.js';
import type { AdoptionWindow } from './adoption-window.js';
import { Batch } from './batch.js';
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
  const envelopes = series.counter(METRICS.envelopes);
  const isNew = countOnce(requests);
  const routeLabel = boundedLabel(labelsOf(requests), maxRoutes);

  const count = (event: RequestEvent) => {
    const { method, outcome, mode, version, encrypted, durationMs, traceId } = event;
    const route = event.route === UNMATCHED ? UNMATCHED : routeLabel(event.route);
    const reason = reasonLabel(event.reason);
    const labels = () => ({ method, outcome, reason, mode, route });
    if (!countTraced(requests, labels, traceId))
      tallyOf(requests).add(`${method} ${outcome} ${reason} ${mode} ${route}`, labels);
    observeTraced(duration, { method }, durationMs / 1000, traceId);
    if (version === undefined) return;
    const form =
      event.form === 'signature' || event.form === 'session' ? event.form : encrypted ? 'sealed' : 'signed';
    tallyOf(envelopes).add(`${version} ${form}`, () => ({ version: String(version), form }));
  };

  const batch = sharedState(requests, 'batch', () => new Batch([requests, duration, envelopes], count));
  for (const counter of [requests, envelopes]) tallyOf(counter); // looks at what the batch has brought

  return (event) => {
    if (!isNew(event)) return;
    if (event.outcome === 'accepted' && event.opened === undefined) adoption.count(event.method === 'xlink');
    batch.add(event);
  };
}

/** Counts requests by client. */
export function clientSeries(series: Series, maxClients: number): (event: OpenEvent | RequestEvent) => void {
  const requests = series.counter(METRICS.clientRequests);
  const isNew = countOnce(requests);
  const clientLabel = boundedLabel(labelsOf(requests), maxClients);

  const count = ({ client = UNKNOWN, method, outcome }: OpenEvent | RequestEvent) => {
    const label = client === UNKNOWN ? UNKNOWN : clientLabel(client);
    tallyOf(requests).add(`${method} ${outcome} ${label}`, () => ({ client: label, method, outcome }));
  };
  const batch = sharedState(requests, 'batch', () => new Batch([requests], count));
  tallyOf(requests);

  return (event) => {
    if (isNew(event) && !isCountedOpen(event)) batch.add(event);
  };
}

const UNKNOWN = 'unknown';

const labelsOf = (metric: object): Set<string> => sharedState(metric, 'labels', () => new Set<string>());

/** Of a request that was told of as open, the end says nothing new, unless a guard has refused it late. */
const isCountedOpen = (event: OpenEvent | RequestEvent): boolean =>
  event.type === 'request' && event.opened !== undefined && event.outcome === 'accepted';
