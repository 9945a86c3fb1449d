import type { Gauge } from 'prom-client';
import type { MetricRow } from './metric-table.js';
import type { Series } from './series.js';
import { sharedState } from './shared-state.js';

/** What a gauge shows; nothing at all for `undefined`. */
export interface Source {
  read(): number | undefined;
}

/**
 * A gauge without labels that asks its source at each scrape. While the source has nothing to say there is no sample:
 * 0 would be a statement, and in a cluster it would count. Returns the source, which adapters on one registry share.
 */
export function liveGauge<S extends Source>(series: Series, row: MetricRow, make: () => S): S {
  return sharedState(series.gauge(row, collectFromSource), SOURCE, make);
}

const SOURCE = 'source';

function collectFromSource(this: Gauge): void {
  const value = sharedState<Source>(this, SOURCE, () => new Latest()).read();
  if (value === undefined) this.remove();
  else this.set(value);
}

/** The value that was set last. */
export class Latest implements Source {
  value: number | undefined;

  read(): number | undefined {
    return this.value;
  }
}
