import type { Counter } from 'prom-client';
import { beforeScrape } from './before-scrape.js';
import { carriesExemplars, type Labels } from './exemplars.js';
import { sharedState } from './shared-state.js';

/**
 * Counts in a map, and hands a counter of prom-client what came together when it is read: prom-client takes
 * as long for one `inc()` as for a thousand here. All who count into one counter share its tally.
 */
export class Tally {
  readonly #entries = new Map<string, { readonly labels: Labels; count: number }>();

  /** `key` stands for the labels, of which there are few enough to keep. */
  add(key: string, labels: () => Labels): void {
    const entry = this.#entries.get(key);
    if (entry) entry.count += 1;
    else this.#entries.set(key, { labels: labels(), count: 1 });
  }

  flushInto(counter: Counter): void {
    for (const entry of this.#entries.values()) {
      const { labels, count } = entry;
      if (count === 0) continue;
      entry.count = 0;
      if (carriesExemplars(counter)) counter.inc({ labels, value: count });
      else counter.inc(labels, count);
    }
  }
}

export function tallyOf(counter: Counter): Tally {
  return sharedState(counter, 'tally', () => {
    const tally = new Tally();
    beforeScrape(counter, () => tally.flushInto(counter));
    return tally;
  });
}
