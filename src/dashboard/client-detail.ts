import type { ClientReport } from '../adapters/clients/cutover-report.js';
import type { Mode } from '../types/mode.js';
import type { ClientHistory, ClientMoment, RouteUse } from './client-history.js';
import { type ClientRow, rowOf, timeOf } from './client-row.js';
import { readable } from './readable.js';
import { type Explanation, explain, knownId } from './what-to-do.js';

/** All that the page knows about one client. Times in ms since 1970. */
export interface ClientDetail {
  /** What the table says of it. */
  readonly row: ClientRow;
  /** The mode that counts for this client. */
  readonly mode: Mode;
  /** Its DIDs, oldest first; the last 20. */
  readonly dids: readonly ClientDid[];
  /** How many there are beyond those. */
  readonly moreDids: number;
  /** Why its requests were refused, the most frequent first, with what to do about each. */
  readonly failures: readonly ClientFailure[];
  /** What it did on each route, since this process began to count. */
  readonly routes: readonly RouteUse[];
  /** What is known of its past, the latest first. */
  readonly timeline: readonly ClientMoment[];
}

/** A DID of a client. */
export interface ClientDid {
  /** The DID, shortened if it is longer than a DID is. */
  readonly did: string;
  /** When its enrollment ends or has ended, if that is soon; absent if not. */
  readonly validUntil?: number;
}

/** One reason for which requests of a client were refused. */
export interface ClientFailure extends Explanation {
  /** How many, since the store began. */
  readonly count: number;
}

const MAX_DIDS = 20;
const MAX_DID_CHARACTERS = 120;
const MAX_FAILURES = 20;
const MAX_MOMENTS = 40;

export function clientDetail(
  report: ClientReport,
  id: string,
  mode: Mode,
  history: ClientHistory,
): ClientDetail {
  const { client, dids, expiring = [] } = report;
  const ends = new Map(expiring.map(({ did, validUntil }) => [did, timeOf(validUntil)!]));
  const endOf = (did: string) => (ends.has(did) ? { validUntil: ends.get(did)! } : {});
  return {
    row: rowOf(report, id),
    mode,
    dids: dids.slice(-MAX_DIDS).map((did) => ({ did: readable(did, MAX_DID_CHARACTERS), ...endOf(did) })),
    moreDids: Math.max(0, dids.length - MAX_DIDS),
    failures: failuresOf(report),
    routes: history.routesOf(client),
    timeline: [...factsOf(report), ...history.momentsOf(client)]
      .sort((a, b) => b.at - a.at)
      .slice(0, MAX_MOMENTS),
  };
}

function failuresOf({ failures }: ClientReport): ClientFailure[] {
  const counts = new Map<ReturnType<typeof knownId>, number>();
  for (const [id, count] of Object.entries(failures))
    counts.set(knownId(id), (counts.get(knownId(id)) ?? 0) + count);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, MAX_FAILURES)
    .map(([id, count]) => ({ ...explain(id), count }));
}

/** From the store, so that it is known after a restart, too. */
function factsOf({ lastKeyUse, lastXlinkUse, revokedSince, expiring = [] }: ClientReport): ClientMoment[] {
  const fact = (iso: string | undefined, text: string) => (iso ? [{ at: Date.parse(iso), text }] : []);
  return [
    ...fact(lastKeyUse, 'Last use of a key'),
    ...fact(lastXlinkUse, 'Last use of xLink'),
    ...fact(revokedSince, 'Revoked'),
    ...expiring.flatMap(({ did, validUntil }) =>
      fact(validUntil, `The enrollment of ${readable(did, 80)} ends`),
    ),
  ];
}
