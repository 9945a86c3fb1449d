import { alerts } from './alerts.mjs';
import { recordings } from './recordings.mjs';

/**
 * The file of rules as Prometheus reads it.
 * @param {import('./names.mjs').Names} names
 * @param {string} docs Where the pages of docs/ are published.
 */
export const rulesFor = (names, docs) => ({
  groups: [
    { name: 'xlink-recordings', rules: recordings(names) },
    { name: 'xlink-alerts', rules: alerts(names).map((alert) => ruleOf(alert, docs)) },
  ],
});

/**
 * @param {ReturnType<typeof alerts>[number]} alert
 * @param {string} docs
 */
const ruleOf = ({ alert, expr, for: held, severity, summary, description }, docs) => ({
  alert,
  expr,
  ...(held ? { for: held } : {}),
  labels: { severity },
  annotations: { summary, description, runbook_url: `${docs}/alerts#${alert.toLowerCase()}` },
});
