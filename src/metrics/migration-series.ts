import type { AdviceEvent, ModeEvent } from '../types/events.js';
import { MODES } from '../types/mode.js';
import { CLIENT_STATES } from './label-values.js';
import { Latest, liveGauge, single } from './live-gauge.js';
import { METRICS } from './metric-table.js';
import type { Series } from './series.js';

/** Shows the mode of the adapter, and when keys end. Modes of single routes and clients are no business of this gauge. */
export function modeSeries(series: Series): (event: ModeEvent) => void {
  const mode = liveGauge(series, METRICS.mode, () => new Latest());
  const sunset = liveGauge(series, METRICS.sunset, () => new Latest());

  return (event) => {
    if (event.route !== undefined || event.client !== undefined) return;
    mode.samples = MODES.map((label) => ({ labels: { mode: label }, value: label === event.to ? 1 : 0 }));
    sunset.samples = single(event.sunset === undefined ? undefined : event.sunset / 1000);
  };
}

/** Shows what a plan found: how far the clients are, and whether the next step is open. */
export function adviceSeries(series: Series): (event: AdviceEvent) => void {
  const clients = liveGauge(series, METRICS.clients, () => new Latest());
  const nextGate = liveGauge(series, METRICS.nextGate, () => new Latest());
  const blockers = liveGauge(series, METRICS.gateBlockers, () => new Latest());

  return (event) => {
    clients.samples = CLIENT_STATES.map((state) => ({ labels: { state }, value: event.clients[state] }));
    const { next: to, direction } = event;
    nextGate.samples = to === undefined ? [] : [{ labels: { to, direction }, value: event.ready ? 1 : 0 }];
    blockers.samples = single(to === undefined ? undefined : event.blockers);
  };
}
