// Who still uses keys? Clients to write to, and routes that can be locked.
import { bars, firstAndRest, stat } from '../panels.mjs';

/**
 * @param {import('../queries.mjs').Queries} queries
 * @param {string} docs
 */
export const keyPanels = (queries, docs) => [
  stat({
    title: 'Requests by key',
    description:
      'Accepted in this range, all clients. Zero over a long range is what you want before xlink-only.',
    none: 'None',
    unit: 'short',
    width: 4,
    height: 9,
    queries: [[queries.keyRequests, 'by key']],
    thresholds: [
      [null, 'green'],
      [1, 'orange'],
    ],
    docs: `${docs}/metrics`,
  }).decimals(0),
  bars({
    title: 'Clients that use keys',
    description:
      'Accepted requests by key in this range, the busiest first: these are the clients to write to. adapter.report() says of each how far it is.',
    none: 'None, or no series by client: set maxClients in prometheusMetrics()',
    unit: 'short',
    width: 8,
    height: 9,
    queries: firstAndRest(queries.keysByClient, 'client'),
    docs: `${docs}/metrics`,
  }).decimals(0),
  bars({
    title: 'Routes that are called by key',
    description: 'Accepted requests by key in this range. Routes that are not here can be locked first.',
    none: 'None',
    unit: 'short',
    width: 6,
    height: 9,
    queries: firstAndRest(queries.keysByRoute, 'route'),
    docs: `${docs}/metrics`,
  }).decimals(0),
  bars({
    title: 'Clients by how far they are',
    description:
      'As the MigrationPlan saw them last. moved and key-switched-off are safe. not-enrolled: ask them to begin. never-used-xlink and not-recent: ask why. failing: look at the failures. key-in-use: some part of theirs still has the key.',
    none: 'No MigrationPlan evaluates',
    unit: 'short',
    width: 6,
    height: 9,
    queries: [[queries.clientStates, '{{state}}']],
    colors: {
      'not-enrolled': 'orange',
      'never-used-xlink': 'orange',
      failing: 'red',
      'not-recent': 'yellow',
      'key-in-use': 'yellow',
      'key-switched-off': 'green',
      moved: 'green',
    },
    docs: `${docs}/metrics`,
  }),
];
