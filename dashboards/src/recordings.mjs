// Recording rules: what alerts ask again and again, and what is worth keeping for longer than the raw series.
import { rate, selector, sum } from './promql.mjs';
import { VERIFICATION } from './reasons.mjs';

/** Windows of the burn rates: a short one that forgets quickly beside a long one that does not jump. */
const BURN_WINDOWS = /** @type {const} */ (['5m', '30m', '1h', '6h']);

/**
 * The names of the recorded series, as level:metric:operations.
 * @param {import('./names.mjs').Names} names
 */
export function recordedNames(names) {
  const adoption = names.adoption.replace(/_ratio$/, '');
  const requests = names.requests.replace(/_total$/, '');
  const unverified = names.envelopes.replace(/_envelopes_total$/, '_verification_errors_per_envelope');
  return {
    requests: (/** @type {string} */ window) => `job_method:${requests}:rate${window}`,
    adoption: (/** @type {string} */ window) => `job:${adoption}:ratio_rate${window}`,
    unverified: (/** @type {(typeof BURN_WINDOWS)[number]} */ window) =>
      `job:${unverified}:ratio_rate${window}`,
  };
}

/** @param {import('./names.mjs').Names} names */
export function recordings(names) {
  const recorded = recordedNames(names);
  const accepted = selector(names.requests, 'outcome="accepted"');
  const envelopes = selector(names.requests, 'method="xlink"');
  const failed = selector(names.requests, 'method="xlink"', 'outcome="refused"', VERIFICATION);
  const ofEnvelopes = (/** @type {string} */ window) => sum('job', rate(envelopes, window));
  return [
    ...['5m', '1d'].flatMap((window) => {
      const requests = recorded.requests(window);
      return [
        { record: requests, expr: sum('job, method', rate(accepted, window)) },
        {
          record: recorded.adoption(window),
          // without a request by xLink yet the share is 0, without any request there is none
          expr: `(sum by (job) (${requests}{method="xlink"}) or 0 * sum by (job) (${requests}))\n/\n(sum by (job) (${requests}) > 0)`,
        },
      ];
    }),
    ...BURN_WINDOWS.map((window) => ({
      record: recorded.unverified(window),
      expr: `(${sum('job', rate(failed, window))} or 0 * ${ofEnvelopes(window)})\n/\n(${ofEnvelopes(window)} > 0)`,
    })),
  ];
}
