import type { AcceptedEvent, RequestEvent } from '../types/events.js';
import type { AuthMethod } from '../types/mode.js';
import { liveGauge, type Source } from './live-gauge.js';
import { METRICS } from './metric-table.js';
import type { Series } from './series.js';

/** Requests that were accepted and are not over, by their numbers: those that began before anybody looked are never counted. */
class OpenRequests implements Source {
  readonly #open = new Map<number, AuthMethod>();
  #isTold = false;

  on({ type, request, method }: AcceptedEvent | RequestEvent): void {
    this.#isTold ||= type === 'accepted';
    if (type === 'accepted') this.#open.set(request, method);
    else this.#open.delete(request);
  }

  read() {
    if (!this.#isTold) return [];
    const counts = { xlink: 0, 'api-key': 0, none: 0 };
    for (const method of this.#open.values()) counts[method] += 1;
    return (['xlink', 'api-key'] as const).map((method) => ({ labels: { method }, value: counts[method] }));
  }
}

/** Shows how many requests are open. */
export function openSeries(series: Series): (event: AcceptedEvent | RequestEvent) => void {
  const open = liveGauge(series, METRICS.openRequests, () => new OpenRequests());
  return (event) => open.on(event);
}
