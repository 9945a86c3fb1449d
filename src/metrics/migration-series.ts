import type { AdviceEvent, ModeEvent } from '../types/events.js';
import { MODES } from '../types/mode.js';
import { CLIENT_STATES } from './label-values.js';
import { Latest, liveGauge } from './live-gauge.js';
import { METRICS } from './metric-table.js';
import type { Series } from './series.js';

/** Shows the mode of the adapter, and when keys end. Modes of single routes and clients are no business of this gauge. */
export function modeSeries(series: Series): (event: ModeEvent) => void {
  const mode = series.gauge(METRICS.mode);
  const sunset = liveGauge(series, METRICS.sunset, () => new Latest());

  return (event) => {
    if (event.route !== undefined || event.client !== undefined) return;
    for (const label of MODES) mode.set({ mode: label }, label === event.to ? 1 : 0);
    sunset.value = event.sunset === undefined ? undefined : event.sunset / 1000;
  };
}

/** Shows what a plan found: how far the clients are, and whether the next step is open. */
export function adviceSeries(series: Series): (event: AdviceEvent) => void {
  const clients = series.gauge(METRICS.clients);
  const nextGate = series.gauge(METRICS.nextGate);
  const blockers = liveGauge(series, METRICS.gateBlockers, () => new Latest());

  return (event) => {
    for (const state of CLIENT_STATES) clients.set({ state }, event.clients[state]);
    nextGate.reset(); // the step before this one is no longer next
    const { next: to, direction } = event;
    if (to !== undefined) nextGate.set({ to, direction }, event.ready ? 1 : 0);
    blockers.value = to === undefined ? undefined : event.blockers;
  };
}
