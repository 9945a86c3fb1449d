// May we take the next step? How far it is, the mode, and what the plan says.
import { stat, statOfNames } from '../panels.mjs';

const MODE_COLORS = { observe: 'blue', hybrid: 'yellow', deprecation: 'orange', 'xlink-only': 'green' };

/**
 * @param {import('../queries.mjs').Queries} queries
 * @param {string} docs
 */
export const standingPanels = (queries, docs) => [
  stat({
    title: 'Adoption now',
    description:
      'Share of xLink among accepted requests, from the counters of all instances. The default gate to deprecation opens at 95 %. If it stands still, see who still uses keys below and write to them.',
    none: 'No accepted requests',
    unit: 'percentunit',
    width: 5,
    height: 5,
    queries: [[queries.adoption, 'xLink']],
    thresholds: [
      [null, 'orange'],
      [0.5, 'yellow'],
      [0.95, 'green'],
    ],
    docs: `${docs}/metrics`,
  }),
  statOfNames({
    title: 'Mode',
    description:
      'The mode in force. Two names: the instances disagree, so set the mode on all of them (applyMode of the MigrationPlan, or your own configuration).',
    none: 'Not scraped',
    unit: 'short',
    width: 4,
    height: 5,
    queries: [[queries.modeNow, '{{mode}}']],
    colors: MODE_COLORS,
    docs: `${docs}/metrics`,
  }),
  stat({
    title: 'Next gate',
    description:
      'Whether the step that the MigrationPlan wants may be taken. open: take it with setMode(), unless the plan runs with auto. shut: see what is in the way beside this. A step back that is open means that too many requests were refused after the last step: go back now.',
    none: 'No next step, or no MigrationPlan',
    unit: 'short',
    width: 5,
    height: 5,
    queries: [[queries.nextGate, '{{direction}} to {{to}}']],
    texts: { 0: { text: 'shut', color: 'orange' }, 1: { text: 'open', color: 'green' } },
    docs: `${docs}/metrics`,
  }),
  stat({
    title: 'In the way of it',
    description:
      'How many things keep the gate shut. The plan says them in words: advice.blockers of plan.evaluate(), and adapter.report() for the clients.',
    none: 'No next step, or no MigrationPlan',
    unit: 'short',
    width: 3,
    height: 5,
    queries: [[queries.gateBlockers, 'blockers']],
    thresholds: [
      [null, 'green'],
      [1, 'orange'],
    ],
    docs: `${docs}/metrics`,
  }),
  stat({
    title: 'Days to the sunset',
    description:
      'Until the earliest announced date on which keys stop working (deprecation.sunset); below zero it has passed. Clients that still use keys then break: move the date, or the clients.',
    none: 'No sunset announced',
    unit: 'd',
    width: 3,
    height: 5,
    queries: [[queries.daysToSunset, 'days']],
    thresholds: [
      [null, 'red'],
      [14, 'orange'],
      [30, 'green'],
    ],
    docs: `${docs}/metrics`,
  }),
  stat({
    title: 'Instances',
    description:
      'Processes that are scraped, by job. Fewer than you run: the figures here are a part of the truth.',
    none: 'Not scraped',
    unit: 'short',
    width: 4,
    height: 5,
    queries: [[queries.instances, '{{job}}']],
    docs: `${docs}/metrics`,
  }),
];
