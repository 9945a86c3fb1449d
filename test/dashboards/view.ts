import { type Chosen, oneOf } from './files.js';
import type { Counts, Entry, Ledger, RequestLabels, Series } from './ledger.js';

/** A moment, and what is chosen at the top of the dashboard: all that an expectation depends on. */
export interface Choice {
  readonly instances?: readonly string[];
  readonly routes?: readonly string[];
  readonly job: string;
  readonly top: number;
  /** Windows in ms that reach back to before the second lot of traffic, or to before everything. */
  readonly rangeMs: number;
  readonly stepMs: number;
  /** Whether the range reaches back to before everything. */
  readonly rangeIsAll: boolean;
}

/** As Grafana puts a choice into queries. */
export const chosen = ({ job, instances, routes, top, rangeMs, stepMs }: Choice): Chosen => ({
  job,
  instance: instances ? oneOf(...instances) : '.*',
  route: routes ? oneOf(...routes) : '.*',
  top: String(top),
  __range: `${rangeMs}ms`,
  __rate_interval: `${stepMs}ms`,
});

type Filter = (labels: Readonly<Record<string, string>>) => boolean;
export type RequestFilter = (labels: RequestLabels) => boolean;

/** What was sent, as far as the choice shows it. */
export class View {
  readonly choice: Choice;
  readonly ledger: Ledger;

  constructor(ledger: Ledger, choice: Choice) {
    this.choice = choice;
    const { job, instances } = choice;
    this.ledger = ledger.where((entry) => entry.job === job && (instances?.includes(entry.instance) ?? true));
  }

  /** What counters of accepted requests say: they alone follow the choice of routes. */
  accepted(labels: readonly string[], when: 'step' | 'range', filter: RequestFilter = () => true): Counts {
    const { routes } = this.choice;
    return this.requests(
      labels,
      when,
      (own) => own.outcome === 'accepted' && (routes?.includes(own.route) ?? true) && filter(own),
    );
  }

  requests(labels: readonly string[], when: 'step' | 'range', filter: RequestFilter): Counts {
    return this.count('request', labels, when, filter as unknown as Filter);
  }

  count(
    series: Series,
    labels: readonly string[],
    when: 'step' | 'range',
    filter: Filter = () => true,
  ): Counts {
    return this.ledger.by(series, labels, filter, this.#worth(when));
  }

  #worth(when: 'step' | 'range'): (entry: Entry) => number {
    return this.ledger.since(when === 'step' || !this.choice.rangeIsAll);
  }
}

/** The largest N, but for those named `other`; and all else as one. */
export function firstAndRest(counts: Counts, ranking: Counts, top: number): { first: Counts; rest: Counts } {
  const order = Object.keys(counts)
    .filter((key) => key !== 'other' && (ranking[key] ?? 0) > 0)
    .sort((a, b) => ranking[b]! - ranking[a]!);
  const first = Object.fromEntries(order.slice(0, top).map((key) => [key, counts[key]!]));
  const others = Object.entries(counts).filter(([key]) => !(key in first));
  if (others.length === 0) return { first, rest: {} };
  return { first, rest: { '': others.reduce((sum, [, count]) => sum + count, 0) } };
}
