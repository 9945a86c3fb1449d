// Every query of the dashboard, by name. Counters are added up over the instances before anything is divided.
import { added, rate, selector, share, sum } from './promql.mjs';
import { OUTAGE, reasonIs, VERIFICATION } from './reasons.mjs';

const HERE = ['job=~"$job"', 'instance=~"$instance"'];
const ROUTE = 'route=~"$route"';
const KEY = 'method="api-key"';
const XLINK = 'method="xlink"';
const ACCEPTED = 'outcome="accepted"';
const REFUSED = 'outcome="refused"';
/** What is beyond the cap of a label is one series already, and never one of the first N. */
const named = (/** @type {string} */ label) => `${label}!="other"`;
const STEP = '$__rate_interval';
const RANGE = '$__range';

/**
 * The first N values of a label by what they did in the whole range, and the rest as one.
 * @param {string} label
 * @param {(by: string) => string} value what is shown, added up by a label
 * @param {(...more: string[]) => string} series the counter that ranks
 */
function firstAndRest(label, value, series) {
  const first = `topk($top, ${sum(label, `increase(${series(named(label))}[${RANGE}] @ end())`)})`;
  return { first: `${value(label)} and ${first}`, rest: sum('', `${value(label)} unless ${first}`) };
}

/**
 * The same at one moment: what was added in the range.
 * @param {string} label
 * @param {(...more: string[]) => string} series
 */
function firstAndRestNow(label, series) {
  const all = sum(label, added(series(), RANGE));
  const first = `topk($top, ${sum(label, added(series(named(label)), RANGE))} > 0)`;
  return { first, rest: `sum(${all} unless ${first}) > 0` };
}

/**
 * @param {import('./names.mjs').Names} names
 */
export function queriesFor(names) {
  const of = (/** @type {keyof typeof names} */ metric, /** @type {string[]} */ ...matchers) =>
    selector(names[metric], ...HERE, ...matchers);
  const accepted = (/** @type {string[]} */ ...more) => of('requests', ACCEPTED, ROUTE, ...more);
  const byClient = (/** @type {string[]} */ ...more) => of('clientRequests', ACCEPTED, ...more);
  const keyByClient = (/** @type {string[]} */ ...more) => byClient(KEY, ...more);
  const keyByRoute = (/** @type {string[]} */ ...more) => accepted(KEY, ...more);
  const quantile = (/** @type {number} */ q, /** @type {string} */ method) =>
    `histogram_quantile(${q}, ${sum('le', rate(selector(`${names.duration}_bucket`, ...HERE, method), STEP))})`;
  const inRange = (/** @type {string} */ by, /** @type {string} */ series) => sum(by, added(series, RANGE));
  const perSecond = (/** @type {string} */ by, /** @type {string} */ series) => sum(by, rate(series, STEP));

  return {
    adoption: share(perSecond('', accepted(XLINK)), perSecond('', accepted())),
    keyRequests: inRange('', accepted(KEY)),
    modeNow: `max by (mode) (${of('mode')} == 1)`,
    nextGate: `min by (to, direction) (${of('nextGate')})`,
    gateBlockers: `max(${of('gateBlockers')})`,
    daysToSunset: `(min(${of('sunset')}) - time()) / 86400`,
    instances: `count by (job) (${of('mode', 'mode="observe"')})`,

    keyEpochAge: `max by (job) (${of('keyEpochAge')})`,
    keyEpochRotation: `min by (job) (${of('keyEpochRotation')})`,

    requestsByMethod: perSecond('method', accepted()),
    modes: `max by (mode) (${of('mode')})`,
    requestsByRoute: firstAndRest('route', (by) => perSecond(by, accepted()), accepted),
    requestsByClient: firstAndRest('client', (by) => perSecond(by, byClient()), byClient),
    adoptionByRoute: `${share(inRange('route', accepted(XLINK)), inRange('route', accepted()), `0 * ${inRange('route', accepted())}`)} and topk($top, ${inRange('route', accepted())})`,

    keysByClient: firstAndRestNow('client', keyByClient),
    keysByRoute: firstAndRestNow('route', keyByRoute),
    clientStates: `sum by (state) (max by (job, state) (${of('clients')}))`,

    failureRate: perSecond('reason', of('requests', REFUSED)),
    failures: `sort_desc(${inRange('reason, method', of('requests', REFUSED))} > 0)`,
    verificationErrors: share(
      perSecond('', of('requests', XLINK, REFUSED, VERIFICATION)),
      perSecond('', of('requests', XLINK)),
    ),
    replayRate: perSecond('', of('requests', REFUSED, reasonIs('REPLAY_DETECTED'))),
    downgradeRate: perSecond('refused', of('downgrades')),
    replays: inRange('', of('requests', REFUSED, reasonIs('REPLAY_DETECTED'))),
    downgrades: inRange('refused', of('downgrades')),
    outages: perSecond('reason', of('requests', REFUSED, OUTAGE)),
    observedOutages: perSecond('reason', of('observed', OUTAGE)),

    xlinkLatency: { p50: quantile(0.5, XLINK), p95: quantile(0.95, XLINK), p99: quantile(0.99, XLINK) },
    keyLatency: { p50: quantile(0.5, KEY), p95: quantile(0.95, KEY), p99: quantile(0.99, KEY) },
    envelopes: perSecond('version, form', of('envelopes')),
    observed: inRange('reason', of('observed')),

    proofsByForm: perSecond('form', of('envelopes')),
    proofsByKey: perSecond('', accepted(KEY)),
    sessionsActive: `sum by (job) (${of('sessionsActive')})`,
    sessionsOpened: perSecond('version', of('sessions')),
    sessionRefusals: `sort_desc(${inRange('at, reason', of('sessionRefusals'))} > 0)`,
  };
}

/** @typedef {ReturnType<typeof queriesFor>} Queries */
