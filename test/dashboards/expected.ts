import { METRICS } from '@private.me/xlink/metrics';
import type { Counts } from './ledger.js';
import { firstAndRest, type RequestFilter, type View } from './view.js';

// What every query of the dashboard has to answer, from what was sent. By panel and by the letter of the query.

/** How an answer is compared. */
export type Expected =
  /** To the last digit. */
  | { readonly exact: Counts }
  /** What was added in the range: to the last digit if it reaches back to before everything, else as `perStep`. */
  | { readonly added: Counts }
  /** What was added in the step, as a rate per second. */
  | { readonly perStep: Counts }
  /** A quotient of two rates. */
  | { readonly ratio: Counts }
  /** Something between two bounds. */
  | { readonly within: Readonly<Record<string, readonly [number, number]>> };

/** What is not in the ledger: the state that the gauges show. */
export interface State {
  readonly mode: string;
  readonly gate: Counts;
  readonly blockers: number;
  readonly daysToSunset: number;
  readonly clients: Counts;
  readonly instances: number;
  /** Sessions that are open, at the instances that are looked at. */
  readonly sessions: number;
  /** How long the authentications of the step took, in seconds, by method. */
  readonly seconds: Readonly<Record<string, readonly number[]>>;
}

export type Expectation = (view: View, state: State) => Expected;

const MODES = ['observe', 'hybrid', 'deprecation', 'xlink-only'];
const byKey: RequestFilter = ({ method }) => method === 'api-key';
const byXlink: RequestFilter = ({ method }) => method === 'xlink';
const isRefused: RequestFilter = ({ outcome }) => outcome === 'refused';
const isReplay: RequestFilter = ({ reason }) => reason === 'REPLAY_DETECTED';
const OUTAGES = ['NONCE_STORE_UNAVAILABLE', 'LOOKUP_FAILED'];

const total = (counts: Counts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
const positive = (counts: Counts): Counts =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));

/** The first N in a graph are ranked by what `increase()` sees, which is what came after the first sample. */
const graphed = (counts: Counts, { choice: { top } }: View) => firstAndRest(counts, counts, top);

const clientsOverTime = (view: View) =>
  graphed(
    view.requests(['client'], 'step', ({ outcome }) => outcome === 'accepted'),
    view,
  );
const routesOverTime = (view: View) => graphed(view.accepted(['route'], 'step'), view);

function firstNow(counts: Counts, { choice: { top } }: View) {
  const { first, rest } = firstAndRest(counts, counts, top);
  return { first: positive(first), rest: positive(rest) };
}
const clientsNow = (view: View) =>
  firstNow(
    view.requests(['client'], 'range', (own) => byKey(own) && own.outcome === 'accepted'),
    view,
  );
const routesNow = (view: View) => firstNow(view.accepted(['route'], 'range', byKey), view);

const adoption: Expectation = (view) => ({
  ratio: { '': total(view.accepted([], 'step', byXlink)) / total(view.accepted([], 'step')) },
});

function adoptionByRoute(view: View): Expected {
  const [xlink, all] = [view.accepted(['route'], 'range', byXlink), view.accepted(['route'], 'range')];
  const busiest = Object.keys(all).sort((a, b) => all[b]! - all[a]!);
  const shares = busiest.slice(0, view.choice.top).map((route) => [route, (xlink[route] ?? 0) / all[route]!]);
  return { ratio: Object.fromEntries(shares) };
}

function unverified(view: View): Expected {
  const envelopes = view.requests([], 'step', byXlink);
  const failed = view.requests([], 'step', ({ method, outcome, reason }) => {
    return method === 'xlink' && outcome === 'refused' && reason.startsWith('VERIFICATION_FAILED');
  });
  return { ratio: { '': total(failed) / total(envelopes) } };
}

/** Between the quantiles a little lower and higher: windows that are cut differently shift the ranks. */
const latency =
  (method: string, q: number): Expectation =>
  (_, { seconds }) => {
    const durations = seconds[method]!;
    const bounds = [
      histogramQuantile(q - 0.06, durations),
      histogramQuantile(Math.min(q + 0.06, 1), durations),
    ];
    return { within: { '': [bounds[0]! * 0.98, bounds[1]! * 1.02] } };
  };

/** As Prometheus has it: linear within the bucket that the rank falls into. */
function histogramQuantile(q: number, durations: readonly number[]): number {
  const bounds = METRICS.duration.buckets;
  const rank = q * durations.length;
  let lower = 0;
  let below = 0;
  for (const upper of bounds) {
    const upTo = durations.filter((seconds) => seconds <= upper).length;
    if (upTo >= rank)
      return upTo === below ? upper : lower + ((upper - lower) * (rank - below)) / (upTo - below);
    [lower, below] = [upper, upTo];
  }
  return bounds.at(-1)!;
}

export const EXPECTED: Readonly<Record<string, Readonly<Record<string, Expectation>>>> = {
  'Adoption now': { A: adoption },
  Mode: { A: (_, { mode }) => ({ exact: { [mode]: 1 } }) },
  'Next gate': { A: (_, { gate }) => ({ exact: gate }) },
  'In the way of it': { A: (_, { blockers }) => ({ exact: { '': blockers } }) },
  'Days to the sunset': {
    A: (_, { daysToSunset }) => ({ within: { '': [daysToSunset - 1e-4, daysToSunset + 1e-4] } }),
  },
  Instances: { A: ({ choice: { job } }, { instances }) => ({ exact: { [job]: instances } }) },

  Adoption: { A: adoption },
  'Accepted requests by method': { A: (view) => ({ perStep: view.accepted(['method'], 'step') }) },
  'Mode over time': {
    A: (_, { mode }) => ({ exact: Object.fromEntries(MODES.map((one) => [one, one === mode ? 1 : 0])) }),
  },
  'Adoption by route': { A: adoptionByRoute },
  'Accepted requests by route': {
    A: (view) => ({ perStep: routesOverTime(view).first }),
    B: (view) => ({ perStep: routesOverTime(view).rest }),
  },
  'Accepted requests by client': {
    A: (view) => ({ perStep: clientsOverTime(view).first }),
    B: (view) => ({ perStep: clientsOverTime(view).rest }),
  },

  'Requests by key': { A: (view) => ({ added: { '': total(view.accepted([], 'range', byKey)) } }) },
  'Clients that use keys': {
    A: (view) => ({ added: clientsNow(view).first }),
    B: (view) => ({ added: clientsNow(view).rest }),
  },
  'Routes that are called by key': {
    A: (view) => ({ added: routesNow(view).first }),
    B: (view) => ({ added: routesNow(view).rest }),
  },
  'Clients by how far they are': { A: (_, { clients }) => ({ exact: clients }) },

  'Refused requests by reason': { A: (view) => ({ perStep: view.requests(['reason'], 'step', isRefused) }) },
  'Refused requests in this range': {
    A: (view) => ({ added: positive(view.requests(['method', 'reason'], 'range', isRefused)) }),
  },
  'Envelopes that did not verify': { A: unverified },
  'Replays and downgrades': {
    A: (view) => ({ perStep: view.requests([], 'step', isReplay) }),
    B: (view) => ({ perStep: view.count('downgrade', ['refused'], 'step') }),
  },
  'Replays and downgrades in this range': {
    A: (view) => ({ added: view.requests([], 'range', isReplay) }),
    B: (view) => ({ added: view.count('downgrade', ['refused'], 'range') }),
  },
  'Stores and registries that did not answer': {
    A: (view) => ({ perStep: view.requests(['reason'], 'step', ({ reason }) => OUTAGES.includes(reason)) }),
    B: (view) => ({
      perStep: view.count('observed', ['reason'], 'step', ({ reason }) => OUTAGES.includes(reason!)),
    }),
  },

  'How callers prove themselves': {
    A: (view) => ({ perStep: view.count('envelope', ['form'], 'step') }),
    B: (view) => ({ perStep: view.accepted([], 'step', byKey) }),
  },
  'Sessions that are open': { A: ({ choice: { job } }, { sessions }) => ({ exact: { [job]: sessions } }) },
  'Sessions opened': { A: (view) => ({ perStep: view.count('session', ['version'], 'step') }) },
  'Refused of sessions in this range': {
    A: (view) => ({ added: view.count('sessionRefusal', ['at', 'reason'], 'range') }),
  },

  'Time to authenticate: xLink': {
    A: latency('xlink', 0.5),
    B: latency('xlink', 0.95),
    C: latency('xlink', 0.99),
  },
  'Time to authenticate: API key': {
    A: latency('api-key', 0.5),
    B: latency('api-key', 0.95),
    C: latency('api-key', 0.99),
  },
  'Accepted envelopes by version': {
    A: (view) => ({ perStep: view.count('envelope', ['form', 'version'], 'step') }),
  },
  'Verdicts in observe mode': { A: (view) => ({ added: view.count('observed', ['reason'], 'range') }) },
  'Age of the encryption keys': { A: () => ({ exact: {} }) }, // the example has no key store
  'Until the next encryption keys': { A: () => ({ exact: {} }) },
};
