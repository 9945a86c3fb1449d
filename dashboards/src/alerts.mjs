// Alerts. What each means and what to do is in docs/alerts.md, one section for each.
import { ERROR_BUDGET } from './budget.mjs';
import { added, addedWhileScraped, rate, selector, sum } from './promql.mjs';
import { NONCE_STORE_DOWN, reasonIs } from './reasons.mjs';
import { recordedNames } from './recordings.mjs';

/** Adoption that grew by less than one point in a week stands still. */
const STALLED_GROWTH = 0.01;
/** More replays than this within ten minutes are not a client's retry. */
const REPLAYS = 20;
/** Share of the envelopes that the nonce store may refuse by being down. */
const STORE_ERRORS = 0.01;
/** Below this many envelopes in the long window a share says nothing; `minRequests` of the MigrationPlan. */
const MIN_ENVELOPES = 20;
const DAY_S = 86_400;
/** A rotation that is later than this, in seconds, was not put off by a restart. */
const OVERDUE_S = 3600;
const NOTICE_DAYS = 14;

/** @param {import('./names.mjs').Names} names */
export function alerts(names) {
  const recorded = recordedNames(names);
  const requests = (/** @type {string[]} */ ...matchers) => selector(names.requests, ...matchers);
  const keys = ['method="api-key"', 'outcome="accepted"'];
  const secondsLeft = `min by (job) (${names.sunset}) - time()`;
  const storeErrors = (/** @type {string} */ part, /** @type {string} */ whole) =>
    `${sum('job', rate(part, '5m'))} / ${sum('job', rate(whole, '5m'))} > ${STORE_ERRORS}`;
  const burns = (
    /** @type {number} */ factor,
    /** @type {'1h' | '6h'} */ long,
    /** @type {'5m' | '30m'} */ short,
  ) =>
    [
      `${recorded.unverified(long)} > ${factor} * ${ERROR_BUDGET}`,
      `and ${recorded.unverified(short)} > ${factor} * ${ERROR_BUDGET}`,
      `and ${sum('job', `increase(${requests('method="xlink"')}[${long}])`)} >= ${MIN_ENVELOPES}`,
    ].join('\n');

  return [
    {
      alert: 'XlinkAdoptionStalled',
      expr: [
        `${recorded.adoption('1d')} < 1`,
        `and ${recorded.adoption('1d')} - ${recorded.adoption('1d')} offset 7d < ${STALLED_GROWTH}`,
        `and on (job) max by (job) (${selector(names.mode, 'mode=~"hybrid|deprecation"')}) == 1`,
      ].join('\n'),
      for: '6h',
      severity: 'info',
      summary: 'Adoption of xLink at {{ $labels.job }} stands still at {{ $value | humanizePercentage }}.',
      description: `It grew by less than ${STALLED_GROWTH * 100} point in a week, and keys are still in use. Look at who still uses keys (adapter.report()), write to the largest of them, and announce a sunset or a brownout if they do not answer.`,
    },
    {
      alert: 'XlinkKeyUseAfterSunset',
      expr: `${sum('job, outcome', addedWhileScraped(requests('method="api-key"', 'reason=~"ok|XLINK_REQUIRED"'), '1h'))} > 0\nand on (job) max by (job) (${names.sunset}) < time()`,
      for: '15m',
      severity: 'warning',
      summary:
        'Keys are still used at {{ $labels.job }} after the announced sunset, and {{ $labels.outcome }}.',
      description:
        'Requests in an hour: {{ $value | humanize }}. accepted: what was announced is not enforced, so set the mode to xlink-only or announce a later sunset. refused: a caller is locked out; find out who it is, and set a client mode for them if it has to go on.',
    },
    {
      alert: 'XlinkReplayBurst',
      expr: `${sum('job', addedWhileScraped(requests(reasonIs('REPLAY_DETECTED')), '10m'))} > ${REPLAYS}`,
      severity: 'warning',
      summary: '{{ $value | humanize }} replayed envelopes at {{ $labels.job }} within ten minutes.',
      description:
        'All of them were refused. Either an attacker repeats recorded requests, or a client or a proxy sends a request again as it was instead of sealing it anew. The access log says where they come from; block an attacker there.',
    },
    {
      alert: 'XlinkNonceStoreDown',
      expr: `${storeErrors(requests(NONCE_STORE_DOWN), requests('method="xlink"'))}\nor\n${storeErrors(selector(names.observed, NONCE_STORE_DOWN), names.observed)}`,
      for: '2m',
      severity: 'critical',
      summary:
        'The nonce store of {{ $labels.job }} does not answer: {{ $value | humanizePercentage }} of the envelopes are refused for it.',
      description:
        'Nothing that could be a replay is accepted while the store is down or full. Check that it runs and can be reached, and how full it is; the fault events of the adapter hold the cause.',
    },
    {
      alert: 'XlinkVerificationErrorsFast',
      expr: burns(14.4, '1h', '5m'),
      for: '2m',
      severity: 'critical',
      summary:
        '{{ $value | humanizePercentage }} of the envelopes at {{ $labels.job }} did not verify in the last hour.',
      description: `At 14.4 times the budget of ${ERROR_BUDGET * 100} % the budget of thirty days is gone in two. Look at the reasons: one reason and all clients is a mistake here (a clock, a proxy, the registry); if the mode was changed just before, change it back first.`,
    },
    {
      alert: 'XlinkVerificationErrorsSlow',
      expr: burns(6, '6h', '30m'),
      for: '15m',
      severity: 'warning',
      summary:
        '{{ $value | humanizePercentage }} of the envelopes at {{ $labels.job }} did not verify in the last six hours.',
      description: `At 6 times the budget of ${ERROR_BUDGET * 100} % the budget of thirty days is gone in five. Look at the reasons and at who it is: mostly one client with a wrong clock or an identity that is not enrolled.`,
    },
    {
      alert: 'XlinkClientAboutToBreak',
      expr: [
        '(',
        `  ${sum('job, client', added(selector(names.clientRequests, ...keys), '1d'))} > 0`,
        '  or on (job)',
        `  ${sum('job', added(requests(...keys), '1d'))} > 0`,
        ')',
        `and on (job) (${secondsLeft} > 0) < ${NOTICE_DAYS} * ${DAY_S}`,
      ].join('\n'),
      for: '1h',
      severity: 'warning',
      summary:
        '{{ if $labels.client }}The client {{ $labels.client }} still uses{{ else }}Clients still use{{ end }} keys at {{ $labels.job }}, which stop working in less than 14 days.',
      description:
        'Requests by key in a day: {{ $value | humanize }}. Write to the client now, show it with a brownout what will happen, or announce a later sunset. Without maxClients in prometheusMetrics() this alert cannot say who it is; adapter.report() can.',
    },
    {
      alert: 'XlinkKeyRotationOverdue',
      expr: `min by (job) (${names.keyEpochRotation}) < -${OVERDUE_S}`,
      for: '15m',
      severity: 'critical',
      summary:
        'The encryption keys of {{ $labels.job }} should have been replaced, and were not: {{ $value | humanizeDuration }}.',
      description:
        'The store of the keys, or that of the wrapping keys, does not answer. Once the overlap is over (keyOverlapMs, one day by default) no envelope is taken any more. Bring the store back; the fault events and warnings of the adapter hold the cause.',
    },
    {
      alert: 'XlinkAuditLogFailing',
      expr: `${sum('job', addedWhileScraped(names.auditFaults, '10m'))} > 0`,
      severity: 'critical',
      summary:
        '{{ $value | humanize }} entries of the audit log of {{ $labels.job }} could not be kept within ten minutes.',
      description:
        'What was done meanwhile cannot be proven later, and routes that fail closed refuse. Look at the disk or the database of the log; the fault events of the adapter hold the cause.',
    },
  ];
}
