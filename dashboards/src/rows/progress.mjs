// Does it move? Adoption and traffic over time, by route and by client.
import { bars, curves, firstAndRest, stackedCurves, timeline } from '../panels.mjs';

const COLORS = { xlink: 'green', 'api-key': 'orange' };

/**
 * @param {import('../queries.mjs').Queries} queries
 * @param {string} docs
 */
export const progressPanels = (queries, docs) => [
  curves({
    title: 'Adoption',
    description:
      'Share of xLink among accepted requests. It should rise with every client that moves; flat for a week while keys are in use is what the alert XlinkAdoptionStalled tells.',
    none: 'No accepted requests in this range',
    unit: 'percentunit',
    width: 12,
    height: 8,
    queries: [[queries.adoption, 'xLink']],
    docs: `${docs}/metrics`,
  }).max(1),
  stackedCurves({
    title: 'Accepted requests by method',
    description:
      'What the callers use. The sum should not fall when the mode changes: if it does, callers were locked out, so go back a mode.',
    none: 'No accepted requests in this range',
    unit: 'reqps',
    width: 12,
    height: 8,
    queries: [[queries.requestsByMethod, '{{method}}']],
    colors: COLORS,
    docs: `${docs}/metrics`,
  }),
  timeline({
    title: 'Mode over time',
    description: 'When each mode was in force. Hold it against the curves above and the failures below.',
    none: 'Not scraped in this range',
    unit: 'short',
    width: 24,
    height: 5,
    queries: [[queries.modes, '{{mode}}']],
    texts: { 0: { text: '-', color: 'transparent' }, 1: { text: 'in force', color: 'blue' } },
    docs: `${docs}/metrics`,
  }),
  bars({
    title: 'Adoption by route',
    description:
      'The busiest routes and how much of their traffic came by xLink in this range. A route at 100 % can be locked ahead of the others: requireXlink() or a route mode.',
    none: 'No accepted requests in this range',
    unit: 'percentunit',
    width: 8,
    height: 9,
    queries: [[queries.adoptionByRoute, '{{route}}']],
    thresholds: [
      [null, 'orange'],
      [0.5, 'yellow'],
      [0.95, 'green'],
    ],
    docs: `${docs}/metrics`,
  }).max(1),
  stackedCurves({
    title: 'Accepted requests by route',
    description:
      'The busiest routes of this range; other is the sum of the rest, and of what is beyond maxRoutes. A large unmatched means that no route template was found: mount the adapter before the routes.',
    none: 'No accepted requests in this range',
    unit: 'reqps',
    width: 8,
    height: 9,
    queries: firstAndRest(queries.requestsByRoute, 'route'),
    docs: `${docs}/metrics`,
  }),
  stackedCurves({
    title: 'Accepted requests by client',
    description:
      'The busiest clients of this range; other is the sum of the rest, and of what is beyond maxClients. A client that vanishes after a change of mode is one that broke.',
    none: 'No series by client: set maxClients in prometheusMetrics()',
    unit: 'reqps',
    width: 8,
    height: 9,
    queries: firstAndRest(queries.requestsByClient, 'client'),
    docs: `${docs}/metrics`,
  }),
];
