import { AdoptionWindow } from './adoption-window.js';
import { liveGauge, single } from './live-gauge.js';
import { METRICS } from './metric-table.js';
import type { Series } from './series.js';

/** Shows the share of xLink, as a ratio and in percent. Returns the window to count into; the adapters of a registry share one. */
export function adoptionSeries(series: Series, windowMs: number): AdoptionWindow {
  const { window } = liveGauge(series, METRICS.adoption, () => shareOf(new AdoptionWindow(windowMs), 1));
  liveGauge(series, METRICS.adoptionPct, () => shareOf(window, 100));
  return window;
}

const shareOf = (window: AdoptionWindow, of: number) => ({
  window,
  read() {
    const ratio = window.ratio();
    return single(Number.isNaN(ratio) ? undefined : ratio * of);
  },
});
