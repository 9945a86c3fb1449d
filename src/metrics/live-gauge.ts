import type { Gauge } from 'prom-client';
import type { Labels } from './exemplars.js';
import type { MetricRow } from './metric-table.js';
import type { Series } from './series.js';
import { sharedState } from './shared-state.js';

/** One line of a gauge. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** What a gauge shows; nothing at all for an empty list. */
export interface Source {
  read(): readonly Sample[];
}

/**
 * A gauge that asks its source at each scrape, so that a reset of the registry loses nothing. While the source has
 * nothing to say there is no sample: 0 would be a statement, and in a cluster it would count. Returns the source, which
 * adapters on one registry share.
 */
export function liveGauge<S extends Source>(series: Series, row: MetricRow, make: () => S): S {
  return sharedState(series.gauge(row, collectFromSource), SOURCE, make);
}

const SOURCE = 'source';

function collectFromSource(this: Gauge): void {
  this.reset(); // what is not shown any more is gone
  this.remove({}); // without labels, `reset` has left a 0
  for (const { labels = {}, value } of sharedState<Source>(this, SOURCE, () => new Latest()).read())
    this.set(labels, value);
}

/** What was set last. */
export class Latest implements Source {
  samples: readonly Sample[] = [];

  read(): readonly Sample[] {
    return this.samples;
  }
}

/** The one sample of a gauge without labels; none for `undefined`. */
export const single = (value: number | undefined): readonly Sample[] =>
  value === undefined ? [] : [{ value }];
