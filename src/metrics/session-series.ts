import type { RequestEvent, SessionEvent, SessionRefusalEvent } from '../types/events.js';
import { countOnce } from './count-once.js';
import { reasonLabel } from './label-values.js';
import { liveGauge, type Sample, type Source, single } from './live-gauge.js';
import { METRICS } from './metric-table.js';
import type { Series } from './series.js';

const MINUTE_MS = 60_000;

/** Sessions by the minute in which they are over: none is longer than an hour, so there are few. */
class OpenSessions implements Source {
  readonly #byMinute = new Map<number, number>();

  add(notAfter: number): void {
    const minute = Math.ceil(notAfter / MINUTE_MS);
    this.#byMinute.set(minute, (this.#byMinute.get(minute) ?? 0) + 1);
    if (this.#byMinute.size > 120) this.#forget();
  }

  read(): readonly Sample[] {
    if (this.#byMinute.size === 0) return [];
    this.#forget();
    return single([...this.#byMinute.values()].reduce((sum, count) => sum + count, 0));
  }

  #forget(): void {
    const now = Date.now() / MINUTE_MS;
    for (const minute of this.#byMinute.keys()) if (minute < now) this.#byMinute.set(minute, 0);
    for (const [minute, count] of this.#byMinute)
      if (count === 0 && this.#byMinute.size > 1) this.#byMinute.delete(minute);
  }
}

/** Counts the sessions that callers open, and shows how many are not over. */
export function sessionSeries(series: Series): (event: SessionEvent) => void {
  const opened = series.counter(METRICS.sessions);
  const active = liveGauge(series, METRICS.sessionsActive, () => new OpenSessions());
  const isNew = countOnce(opened);

  return (event) => {
    if (!isNew(event)) return;
    opened.inc({ version: String(event.version) });
    active.add(event.notAfter);
  };
}

/** Counts handshakes, and requests in sessions, that were refused. */
export function sessionRefusalSeries(series: Series): (event: RequestEvent | SessionRefusalEvent) => void {
  const refusals = series.counter(METRICS.sessionRefusals);
  const isNew = countOnce(refusals);

  return (event) => {
    const isHandshake = event.type === 'session-refusal';
    if ((!isHandshake && !isRefusedInSession(event)) || !isNew(event)) return;
    refusals.inc({ at: isHandshake ? 'handshake' : 'request', reason: reasonLabel(event.reason) });
  };
}

/** Before it was verified, or by a guard after that. */
const isRefusedInSession = ({ outcome, offered, form }: RequestEvent): boolean =>
  outcome === 'refused' && (offered ?? form) === 'session';
