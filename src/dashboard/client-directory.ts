import type { ClientReport, CutoverReport } from '../adapters/clients/cutover-report.js';
import { countStates } from '../adapters/clients/cutover-report.js';
import type { CutoverState } from '../types/events.js';
import type { ClientId } from '../types/protocol.js';
import { addressedId } from './client-id.js';
import { type ClientRow, failuresOf, rowOf, timeOf } from './client-row.js';
import { type ClientFilter, type ClientSort, type ClientsQuery, STATES_BY_ATTENTION } from './view-query.js';

/** The clients that are shown, and how many there are. */
export interface ClientsView {
  readonly kept: true;
  /** Clients in all. */
  readonly total: number;
  /** Clients whose keys can be turned off now. */
  readonly safe: number;
  /** The first of those whose keys cannot, whatever is searched for; at most 5. */
  readonly waiting: readonly ClientRow[];
  /** How many are in each state. */
  readonly states: Readonly<Record<CutoverState, number>>;
  /** How many match search and filter; all of them without either. */
  readonly matching: number;
  /** The page of them that `rows` is, from 1. */
  readonly page: number;
  /** How many pages there are; at least 1. */
  readonly pages: number;
  /** At most 100. */
  readonly rows: readonly ClientRow[];
}

/** Why there is no table: the adapter keeps no clients, or the store did not answer. */
export interface NoClientsView {
  readonly kept: false;
  /** `not-configured`: the adapter has no option `clients`. `unavailable`: its store did not answer. */
  readonly why: 'not-configured' | 'unavailable';
}

/** Rows that a page gets at once. */
export const MAX_CLIENTS = 100;
const MAX_WAITING = 5;

/** A report, with an address for each client, and sorted once for all who look at it. */
export class ClientDirectory {
  readonly generatedAt: string;
  readonly #byAttention: readonly ClientReport[];
  readonly #ids: ReadonlyMap<ClientId, string>;
  readonly #states: Readonly<Record<CutoverState, number>>;
  readonly #safe: number;
  readonly #sorted = new Map<ClientSort, readonly ClientReport[]>();

  private constructor(report: CutoverReport, ids: ReadonlyMap<ClientId, string>) {
    const place = ({ state, safeToSwitch }: ClientReport) =>
      STATES_BY_ATTENTION.indexOf(state) + (safeToSwitch ? 100 : 0);
    this.generatedAt = report.generatedAt;
    // By name within a state, as the report has them: an order by time would change under the reader's eyes.
    this.#byAttention = [...report.clients].sort((a, b) => place(a) - place(b));
    this.#ids = ids;
    this.#states = countStates(report.clients);
    this.#safe = report.clients.filter(({ safeToSwitch }) => safeToSwitch).length;
    this.#sorted.set('attention', this.#byAttention);
    this.#sorted.set('name', report.clients);
  }

  static async of(report: CutoverReport): Promise<ClientDirectory> {
    const odd = new Map<ClientId, string>();
    for (const { client } of report.clients) {
      const id = await addressedId(client);
      if (id !== client) odd.set(client, id);
    }
    return new ClientDirectory(report, odd);
  }

  /** One page of what was asked for. */
  view(query: ClientsQuery): ClientsView {
    const matching = this.matching(query);
    const pages = Math.max(1, Math.ceil(matching.length / MAX_CLIENTS));
    const page = Math.min(query.page, pages);
    const waiting = this.#byAttention.slice(0, MAX_WAITING).filter(({ safeToSwitch }) => !safeToSwitch);
    return {
      kept: true,
      total: this.#byAttention.length,
      safe: this.#safe,
      waiting: waiting.map((report) => this.#rowOf(report)),
      states: this.#states,
      matching: matching.length,
      page,
      pages,
      rows: matching.slice((page - 1) * MAX_CLIENTS, page * MAX_CLIENTS).map((report) => this.#rowOf(report)),
    };
  }

  /** All that match, in the order that was asked for. */
  matching({ search, state, sort, descending }: ClientsQuery): readonly ClientReport[] {
    const sorted = this.#sortedBy(sort);
    const wanted = search.toLowerCase();
    const found =
      wanted === '' && state === undefined
        ? sorted
        : sorted.filter((one) => isIn(one, state) && one.client.toLowerCase().includes(wanted));
    return descending ? [...found].reverse() : found;
  }

  /** By what names it in an address. */
  find(id: string): ClientReport | undefined {
    return this.#byAttention.find(({ client }) => this.idOf(client) === id);
  }

  idOf(client: ClientId): string {
    return this.#ids.get(client) ?? client;
  }

  #rowOf(report: ClientReport): ClientRow {
    return rowOf(report, this.idOf(report.client));
  }

  #sortedBy(sort: ClientSort): readonly ClientReport[] {
    const known = this.#sorted.get(sort);
    if (known) return known;
    const value = VALUES[sort as keyof typeof VALUES];
    const sorted = [...this.#sorted.get('name')!].sort((a, b) => value(a) - value(b));
    this.#sorted.set(sort, sorted);
    return sorted;
  }
}

const VALUES: Readonly<Record<Exclude<ClientSort, 'attention' | 'name'>, (report: ClientReport) => number>> =
  {
    state: ({ state }) => STATES_BY_ATTENTION.indexOf(state),
    lastKeyUse: ({ lastKeyUse }) => timeOf(lastKeyUse) ?? 0,
    lastXlinkUse: ({ lastXlinkUse }) => timeOf(lastXlinkUse) ?? 0,
    keyRequests: ({ keyRequests }) => keyRequests,
    xlinkRequests: ({ xlinkRequests }) => xlinkRequests,
    failures: failuresOf,
  };

function isIn({ state, safeToSwitch }: ClientReport, filter: ClientFilter | undefined): boolean {
  if (filter === undefined) return true;
  if (filter === 'ready') return safeToSwitch;
  return filter === 'not-ready' ? !safeToSwitch : state === filter;
}
