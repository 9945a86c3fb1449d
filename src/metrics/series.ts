import { Counter, Gauge, Histogram, type Metric, Registry, type RegistryContentType } from 'prom-client';
import { xlinkError } from '../errors/errors.js';
import type { MetricRow } from './metric-table.js';
import { isOurs } from './shared-state.js';

/** A registry of prom-client, of either format. */
export type AnyRegistry = Registry<RegistryContentType>;

/** What prom-client keeps about a metric and does not declare. */
interface Insides {
  readonly type: MetricRow['type'];
  readonly labelNames: readonly string[];
  collect?: () => void;
}

/** Makes the metrics of the table in one registry, or finds those that are there already. */
export class Series {
  readonly #register: AnyRegistry;
  readonly #prefix: string;

  /** Throws `INVALID_OPTION` if one of the names is taken by something else; then nothing was added. */
  constructor(register: AnyRegistry, prefix: string, rows: readonly MetricRow[]) {
    this.#register = register;
    this.#prefix = prefix;
    for (const row of rows) this.#assertFree(row);
  }

  counter(row: MetricRow, { exemplars = false } = {}): Counter {
    return this.#find(row) ?? new Counter({ ...this.#config(row), ...this.#exemplars(exemplars) });
  }

  histogram(row: MetricRow, { exemplars = false } = {}): Histogram {
    const buckets = [...(row.buckets ?? [])]; // prom-client freezes what it gets
    return this.#find(row) ?? new Histogram({ ...this.#config(row), buckets, ...this.#exemplars(exemplars) });
  }

  /** `collect` is called before each scrape. */
  gauge(row: MetricRow, collect: (this: Gauge) => void): Gauge {
    const known = this.#find<Gauge>(row);
    if (known) {
      (known as unknown as Insides).collect ??= collect;
      return known;
    }
    const { aggregator = 'sum' } = row;
    return new Gauge({ ...this.#config(row), aggregator, collect });
  }

  #find<M extends Metric>({ name }: MetricRow): M | undefined {
    return this.#register.getSingleMetric(this.#prefix + name) as M | undefined;
  }

  #config({ name, help, labels }: MetricRow) {
    // The declared type wants one format or the other; at run time both are the same class.
    const registers = [this.#register as Registry];
    return { name: this.#prefix + name, help, labelNames: Object.keys(labels), registers };
  }

  /** prom-client throws where the format of the registry has no exemplars. */
  #exemplars(wanted: boolean) {
    const possible = this.#register.contentType === Registry.OPENMETRICS_CONTENT_TYPE;
    return wanted && possible ? { enableExemplars: true } : {};
  }

  #assertFree(row: MetricRow): void {
    const known = this.#find(row) as unknown as Insides | undefined;
    const complaint = known && complaintAbout(known, row);
    if (complaint)
      throw xlinkError('INVALID_OPTION', {
        field: 'register',
        hint: `prometheusMetrics: the registry has a metric ${this.#prefix}${row.name} already, ${complaint}; set prefix, or another registry.`,
      });
  }
}

/** Why a metric that is there cannot be the one of the table. */
function complaintAbout(known: Insides, { type, labels }: MetricRow): string | undefined {
  if (known.type !== type) return `which is no ${type}`;
  const wanted = Object.keys(labels).sort().join(', ');
  if ([...known.labelNames].sort().join(', ') !== wanted)
    return `whose labels are not ${wanted === '' ? 'none' : wanted}`;
  if (known.collect && !isOurs(known)) return 'which other code sets';
  return undefined;
}
