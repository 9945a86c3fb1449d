// What does it cost, and what is in use? Latency by method, versions, verdicts in observe mode, encryption keys.
import { bars, curves, stackedCurves, stat } from '../panels.mjs';

/**
 * @param {{ p50: string, p95: string, p99: string }} latency
 * @returns {[string, string][]}
 */
const quantiles = ({ p50, p95, p99 }) => [
  [p50, 'p50'],
  [p95, 'p95'],
  [p99, 'p99'],
];

/**
 * @param {import('../queries.mjs').Queries} queries
 * @param {string} docs
 */
export const costPanels = (queries, docs) => [
  curves({
    title: 'Time to authenticate: xLink',
    description:
      'Verifying, opening, and asking registry and nonce store, accepted or refused. If p99 is far above p50, a store is slow: look at its own figures.',
    none: 'No envelopes in this range',
    unit: 's',
    width: 7,
    height: 8,
    queries: quantiles(queries.xlinkLatency),
    docs: `${docs}/metrics`,
  }),
  curves({
    title: 'Time to authenticate: API key',
    description:
      'The same for keys: what legacyKeyValidator takes. It is what xLink has to be compared with.',
    none: 'No keys in this range',
    unit: 's',
    width: 7,
    height: 8,
    queries: quantiles(queries.keyLatency),
    docs: `${docs}/metrics`,
  }),
  stackedCurves({
    title: 'Accepted envelopes by version',
    description:
      'Version 2 and 3 hold against quantum computers. Version 1 that stays: clients with an old package or an identity without post-quantum keys.',
    none: 'No envelopes in this range',
    unit: 'cps',
    width: 5,
    height: 8,
    queries: [[queries.envelopes, 'v{{version}} {{form}}']],
    docs: `${docs}/metrics`,
  }),
  bars({
    title: 'Verdicts in observe mode',
    description:
      'What would have become of the envelopes that came beside a key. All ok over some days: hybrid is safe. Anything else fails in hybrid: look the reason up first.',
    none: 'No envelopes beside keys in this range',
    unit: 'short',
    width: 5,
    height: 8,
    queries: [[queries.observed, '{{reason}}']],
    docs: `${docs}/errors`,
  }).decimals(0),
  stat({
    title: 'Age of the encryption keys',
    description:
      'How long the present keys have been the published ones (keyRotationMs, 7 days by default). Whoever steals the seed and both stores opens what was recorded since, and during the epochs that are not erased yet.',
    none: 'No keyStore',
    unit: 's',
    width: 12,
    height: 4,
    queries: [[queries.keyEpochAge, '{{job}}']],
    docs: `${docs}/metrics`,
  }),
  stat({
    title: 'Until the next encryption keys',
    description:
      'Below zero the rotation is overdue: the store of the keys, or that of the wrapping keys, does not answer. The instances go on with what they have for keyOverlapMs, one day by default, then refuse.',
    none: 'No keyStore',
    unit: 's',
    width: 12,
    height: 4,
    queries: [[queries.keyEpochRotation, '{{job}}']],
    thresholds: [
      [null, 'red'],
      [-3600, 'orange'],
      [0, 'green'],
    ],
    docs: `${docs}/alerts#xlinkkeyrotationoverdue`,
  }),
];
