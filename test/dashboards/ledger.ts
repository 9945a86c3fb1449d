// What a test sent, by the labels it has to be counted under. Kept by the sender, so that it owes nothing to what is tested.

export interface RequestLabels {
  readonly method: string;
  readonly outcome: string;
  readonly reason: string;
  readonly route: string;
  readonly client: string;
}

/** What one request has to be counted as. */
export interface Counted {
  readonly request: RequestLabels;
  readonly envelope?: { readonly version: string; readonly form: string };
  readonly observed?: { readonly reason: string };
  readonly downgrade?: { readonly refused: string };
  readonly session?: { readonly version: string };
  readonly sessionRefusal?: { readonly at: string; readonly reason: string };
}

/** Where and when it was sent. `later`: after everything had been sent once and was scraped. */
export interface Place {
  readonly job: string;
  readonly instance: string;
  readonly later: boolean;
}

export type Entry = Counted & Place;
export type Series = 'request' | 'envelope' | 'observed' | 'downgrade' | 'session' | 'sessionRefusal';
type Labels = Readonly<Record<string, string>>;

/** Counts by the values of some labels, joined by a space. */
export type Counts = Record<string, number>;

export class Ledger {
  readonly entries: readonly Entry[];

  constructor(entries: readonly Entry[]) {
    this.entries = entries;
  }

  /** Those of an earlier time count as nothing, but they are there: so does a counter that no longer grows. */
  since(later: boolean): (entry: Entry) => number {
    return later ? (entry) => (entry.later ? 1 : 0) : () => 1;
  }

  /** The part that is within some labels; `undefined` for a label means any. */
  where(labels: Partial<Place> | ((entry: Entry) => boolean)): Ledger {
    if (typeof labels === 'function') return new Ledger(this.entries.filter(labels));
    const wanted = Object.entries(labels);
    return new Ledger(
      this.entries.filter((entry) => wanted.every(([name, value]) => entry[name as keyof Place] === value)),
    );
  }

  /** As `sum by (…)` of what was counted. */
  by(
    series: Series,
    labels: readonly string[],
    filter: (labels: Labels) => boolean,
    worth: (entry: Entry) => number,
  ): Counts {
    const counts: Counts = {};
    for (const entry of this.entries) {
      const own = entry[series] as Labels | undefined;
      if (!own || !filter(own)) continue;
      const all: Labels = { ...own, job: entry.job, instance: entry.instance };
      const key = labels.map((label) => all[label]).join(' ');
      counts[key] = (counts[key] ?? 0) + worth(entry);
    }
    return counts;
  }
}
