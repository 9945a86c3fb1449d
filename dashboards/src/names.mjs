import { METRICS } from './sources.mjs';

/** @typedef {Record<keyof typeof METRICS, string>} Names */

/**
 * The name of each metric, as a registry has it with that prefix (`prometheusMetrics({ prefix })`).
 * @param {string} prefix
 * @returns {Names}
 */
export const namesWith = (prefix) =>
  /** @type {Names} */ (
    Object.fromEntries(Object.entries(METRICS).map(([key, { name }]) => [key, prefix + name]))
  );
