import type { OpenEvent, RequestEvent } from '../types/events.js';
import type { AuthMethod } from '../types/mode.js';
import type { AdoptionWindow } from './adoption-window.js';
import { countOnce } from './count-once.js';
import { liveGauge, type Source } from './live-gauge.js';
import { METRICS } from './metric-table.js';
import type { Series } from './series.js';

/** Requests that are open, by their numbers: those that were told of before anybody listened are never counted. */
class OpenRequests implements Source {
  readonly open = new Map<number, AuthMethod>();
  #isTold = false;

  read() {
    this.#isTold ||= this.open.size > 0;
    if (!this.#isTold) return [];
    const counts = { xlink: 0, 'api-key': 0, none: 0 };
    for (const method of this.open.values()) counts[method] += 1;
    return (['xlink', 'api-key'] as const).map((method) => ({ labels: { method }, value: counts[method] }));
  }
}

/** Shows how many requests are open, and counts them as accepted. */
export function openSeries(
  series: Series,
  adoption: AdoptionWindow,
): (event: OpenEvent | RequestEvent) => void {
  const { open } = liveGauge(series, METRICS.openRequests, () => new OpenRequests());
  const isNew = countOnce(open);
  return (event) => {
    if (event.type === 'request') {
      if (event.opened !== undefined) open.delete(event.opened);
    } else if (isNew(event)) {
      open.set(event.number, event.method);
      adoption.count(event.method === 'xlink');
    }
  };
}
