// What fails? Refusals by reason, attacks, and stores that are down.
import { ERROR_BUDGET } from '../budget.mjs';
import { curves, stat, table } from '../panels.mjs';

/**
 * @param {import('../queries.mjs').Queries} queries
 * @param {string} docs
 */
export const failurePanels = (queries, docs) => [
  curves({
    title: 'Refused requests by reason',
    description:
      'What to do about each reason is in the table of errors. A jump right after a change of mode: go back a mode first, then look.',
    none: 'No refusals in this range',
    unit: 'reqps',
    width: 12,
    height: 9,
    queries: [[queries.failureRate, '{{reason}}']],
    docs: `${docs}/errors`,
  }),
  table(
    {
      title: 'Refused requests in this range',
      description:
        'By reason and by what the caller used. REQUEST_BINDING_MISMATCH: a proxy rewrites paths, set requestTarget. TIMESTAMP_EXPIRED: a clock is off. DID_NOT_IN_REGISTRY: the client has not enrolled. API_KEY_INVALID: as before xLink.',
      none: 'No refusals in this range',
      unit: 'short',
      width: 8,
      height: 9,
      queries: [[queries.failures, '']],
      docs: `${docs}/errors`,
    },
    { reason: 'Reason', method: 'Method', Value: 'Requests' },
  ).decimals(0),
  curves({
    title: 'Envelopes that did not verify',
    description: `Share of the requests by envelope. The budget is ${ERROR_BUDGET * 100} %: above it the alerts on burn rate go off, and the default gates stay shut.`,
    none: 'No envelopes in this range',
    unit: 'percentunit',
    width: 4,
    height: 9,
    queries: [[queries.verificationErrors, 'not verified']],
    thresholds: [
      [null, 'green'],
      [ERROR_BUDGET, 'red'],
    ],
    docs: `${docs}/alerts`,
  }),
  curves({
    title: 'Replays and downgrades',
    description:
      'Replays are refused in any case. A few come from clients or proxies that repeat a request as it is: let them seal anew. Many from one place are an attack. Downgrades: a client that works on xLink used its key; onDowngrade says whether that is refused.',
    none: 'None in this range',
    unit: 'reqps',
    width: 10,
    height: 8,
    queries: [
      [queries.replayRate, 'replays'],
      [queries.downgradeRate, 'downgrades, refused: {{refused}}'],
    ],
    docs: `${docs}/alerts`,
  }),
  stat({
    title: 'Replays and downgrades in this range',
    description: 'How many there were; see the curve beside this for when.',
    none: 'None',
    unit: 'short',
    width: 4,
    height: 8,
    queries: [
      [queries.replays, 'replays'],
      [queries.downgrades, 'downgrades, refused: {{refused}}'],
    ],
    thresholds: [
      [null, 'green'],
      [1, 'orange'],
    ],
    docs: `${docs}/alerts`,
  }).decimals(0),
  curves({
    title: 'Stores and registries that did not answer',
    description:
      'Requests refused because something this API depends on was down: nothing is accepted meanwhile. NONCE_STORE_UNAVAILABLE: the nonce store; with :COLD_START a process that has just begun, which passes. LOOKUP_FAILED: the trust registry. CLIENT_STORE_UNAVAILABLE: the client store. KEY_VALIDATOR_FAILED: your own key check. In observe mode nothing is refused; what would have been is marked observed.',
    none: 'All answered',
    unit: 'reqps',
    width: 10,
    height: 8,
    queries: [
      [queries.outages, '{{reason}}'],
      [queries.observedOutages, '{{reason}} (observed)'],
    ],
    docs: `${docs}/errors`,
  }),
];
