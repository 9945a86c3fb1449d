import type { Expectation, Expected } from './expected.js';
import type { RequestFilter, View } from './view.js';

// What every rule has to answer, from what was sent in the last seconds. Their windows are longer than that, so that
// they begin before the first sample: of the first lot of traffic they may have seen none, a part, or all.

const WINDOW_S: Readonly<Record<string, number>> = {
  '5m': 300,
  '30m': 1800,
  '1h': 3600,
  '6h': 21_600,
  '1d': 86_400,
};
/** How much `rate()` may add at both ends of what it saw, as a factor. */
const STRETCH = 1.15;

const byXlink: RequestFilter = ({ method }) => method === 'xlink';
const isAccepted: RequestFilter = ({ outcome }) => outcome === 'accepted';
const isReplay: RequestFilter = ({ reason }) => reason === 'REPLAY_DETECTED';
const isUnverified: RequestFilter = ({ reason }) => reason.startsWith('VERIFICATION_FAILED');
const isStoreDown: RequestFilter = ({ reason }) => reason === 'NONCE_STORE_UNAVAILABLE';

/** From what came later to all there was, and what was stretched. */
function bounds(view: View, labels: readonly string[], filter: RequestFilter) {
  const [all, later] = [view.requests(labels, 'range', filter), view.requests(labels, 'step', filter)];
  return Object.keys(all).map((key) => [key, later[key]!, all[key]! * STRETCH] as const);
}

function rates(view: View, labels: readonly string[], filter: RequestFilter, seconds: number): Expected {
  const rows = bounds(view, labels, filter).map(([key, low, high]) => [key, [low / seconds, high / seconds]]);
  return { within: Object.fromEntries(rows) };
}

function ratio(view: View, part: RequestFilter, whole: RequestFilter): Expected {
  const [[job, partLow, partHigh]] = bounds(view, ['job'], (one) => whole(one) && part(one)) as [Bounds];
  const [[, wholeLow, wholeHigh]] = bounds(view, ['job'], whole) as [Bounds];
  return { within: { [job]: [partLow / wholeHigh, partHigh / wholeLow] } };
}
type Bounds = readonly [key: string, low: number, high: number];

const NOTHING: Expected = { exact: {} };

/** By the name of the series without its window, which comes along. */
export const EXPECTED_RECORDINGS: Readonly<Record<string, (view: View, seconds: number) => Expected>> = {
  'job_method:xlink_requests:rate': (view, seconds) => rates(view, ['job', 'method'], isAccepted, seconds),
  'job:xlink_adoption:ratio_rate': (view) => ratio(view, byXlink, isAccepted),
  'job:xlink_verification_errors_per_envelope:ratio_rate': (view) => ratio(view, isUnverified, byXlink),
};

/** By alert: what its expression answers. Those that take days answer nothing yet. */
export const EXPECTED_ALERTS: Readonly<Record<string, Expectation>> = {
  XlinkAdoptionStalled: () => NOTHING,
  XlinkKeyUseAfterSunset: () => NOTHING,
  XlinkReplayBurst: (view) => rates(view, ['job'], isReplay, 1),
  XlinkNonceStoreDown: (view) => ratio(view, isStoreDown, byXlink),
  XlinkVerificationErrorsFast: () => NOTHING, // some 11 %, of 14.4
  XlinkKeyRotationOverdue: () => NOTHING, // the example has no key store
  XlinkAuditLogFailing: () => NOTHING, // the example has no audit log
  XlinkVerificationErrorsSlow: (view) => ratio(view, isUnverified, byXlink),
  XlinkClientAboutToBreak: (view) => ({
    exact: view.requests(
      ['client', 'job'],
      'range',
      ({ method, outcome }) => method === 'api-key' && outcome === 'accepted',
    ),
  }),
};

/** What a recorded series has to be. Throws for one that has no expectation. */
export function expectedOf(record: string, view: View): Expected {
  const [, name, window] = /^(.+?)(\d+[mhd])$/.exec(record) ?? [];
  const expectation = EXPECTED_RECORDINGS[name ?? ''];
  if (!expectation) throw new Error(`${record} has no expectation: add one`);
  return expectation(view, WINDOW_S[window!]!);
}
