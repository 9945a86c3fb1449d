import { type ClientReport, type CutoverReport, countStates } from '../adapters/clients/cutover-report.js';
import type { CutoverState } from '../types/events.js';
import { given } from '../util/given.js';
import { readable } from './readable.js';

/** One client in the table of the page. Times in ms since 1970. */
export interface ClientRow {
  /** For the eye: shortened, and without characters that cannot be seen. */
  readonly name: string;
  /** How far the client is. */
  readonly state: CutoverState;
  /** The state in a sentence. */
  readonly reason: string;
  /** Whether its keys can be turned off now, as far as its traffic tells. */
  readonly safe: boolean;
  /** Accepted requests with an API key. */
  readonly keyRequests: number;
  /** Accepted requests with an envelope or a signature. */
  readonly xlinkRequests: number;
  /** Those of them that were signed by RFC 9421, without an envelope; absent if none were. */
  readonly signatureRequests?: number;
  /** Refused requests. */
  readonly failures: number;
  /** When a key was last accepted; absent if never. */
  readonly lastKeyUse?: number;
  /** When an envelope or a signature was last accepted; absent if never. */
  readonly lastXlinkUse?: number;
}

/** The clients that are shown, and how many there are. */
export interface ClientsView {
  readonly kept: true;
  /** Clients in all. */
  readonly total: number;
  /** Clients whose keys can be turned off now. */
  readonly safe: number;
  /** How many are in each state. */
  readonly states: Readonly<Record<CutoverState, number>>;
  /** How many match the search; all of them without one. */
  readonly matching: number;
  /** Who stands in the way first; at most 100. */
  readonly rows: readonly ClientRow[];
}

/** Why there is no table: the adapter keeps no clients, or the store did not answer. */
export interface NoClientsView {
  readonly kept: false;
  /** `not-configured`: the adapter has no option `clients`. `unavailable`: its store did not answer. */
  readonly why: 'not-configured' | 'unavailable';
}

/** Rows that a page gets at once. The others are found by searching. */
export const MAX_CLIENTS = 100;
const MAX_NAME_CHARACTERS = 80;

/** Those whom turning keys off would hurt come first, the worst off among them before the others. */
const ORDER: readonly CutoverState[] = [
  'failing',
  'key-in-use',
  'not-enrolled',
  'never-used-xlink',
  'not-recent',
  'key-switched-off',
  'moved',
  'revoked',
];

/** A report, sorted once for all who look at it. */
export class ClientDirectory {
  readonly #report: CutoverReport;
  readonly #sorted: readonly ClientReport[];

  constructor(report: CutoverReport) {
    this.#report = report;
    const place = ({ state, safeToSwitch }: ClientReport) => ORDER.indexOf(state) + (safeToSwitch ? 100 : 0);
    // By name within a state: an order by time would change under the reader's eyes.
    this.#sorted = [...report.clients].sort((a, b) => place(a) - place(b));
  }

  /** `search`: part of a client's name, in any case; empty: all clients. */
  view(search = ''): ClientsView {
    const { clients } = this.#report;
    const wanted = search.toLowerCase();
    const matching =
      wanted === ''
        ? this.#sorted
        : this.#sorted.filter(({ client }) => client.toLowerCase().includes(wanted));
    return {
      kept: true,
      total: clients.length,
      safe: clients.filter(({ safeToSwitch }) => safeToSwitch).length,
      states: countStates(clients),
      matching: matching.length,
      rows: matching.slice(0, MAX_CLIENTS).map(rowOf),
    };
  }
}

function rowOf(report: ClientReport): ClientRow {
  const { client, state, reason, safeToSwitch, keyRequests, xlinkRequests, failures } = report;
  const { lastKeyUse, lastXlinkUse } = report;
  return {
    name: readable(client, MAX_NAME_CHARACTERS),
    state,
    reason,
    safe: safeToSwitch,
    keyRequests,
    xlinkRequests,
    ...given({ signatureRequests: report.signatureRequests }),
    failures: Object.values(failures).reduce((sum, count) => sum + count, 0),
    ...(lastKeyUse === undefined ? {} : { lastKeyUse: Date.parse(lastKeyUse) }),
    ...(lastXlinkUse === undefined ? {} : { lastXlinkUse: Date.parse(lastXlinkUse) }),
  };
}
